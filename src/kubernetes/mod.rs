//! What Kubernetes' own programs read: kubeadm's configuration, kube-vip's Pod, the certificates that kubeadm wants.
//!
//! A resolved [`crate::cluster::Cluster`] comes in, typed documents and certificates go out. Facts about releases are in
//! [`versions`] alone.

pub mod certificates;
pub mod images;
pub mod kube_vip;
pub mod kubeadm;
pub mod versions;
