# The machines of a cluster on Proxmox VE, for OpenTofu and Terraform. What differs between clusters is in
# hagen.auto.tfvars.json. PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN say where Proxmox is and who asks.
terraform {
  required_version = ">= 1.5"
  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "~> 0.111"
    }
  }
}

variable "machines" {
  description = "Written by hagen, by name of the node."
  type = map(object({
    name        = string
    vmid        = number
    host        = string
    role        = string
    address     = string
    mac         = string
    cores       = number
    memory      = number
    disk        = number
    storage     = string
    bridge      = string
    vlan        = number
    image       = string
    agent       = bool
    iso_storage = string
    iso         = string
    seed        = string
    sha256      = string
  }))
}

variable "host" {
  description = "The Proxmox node of machines for which the document names none."
  type        = string
  default     = null
}

variable "image" {
  description = "The disk image, a volume with content import, where the document names none."
  type        = string
  default     = null
}

variable "started" {
  description = "Whether the machines run."
  type        = bool
  default     = true
}

variable "seeds" {
  description = "Whether the seeds are in the drives. They hold secrets: say false once the cluster is up."
  type        = bool
  default     = true
}

resource "proxmox_virtual_environment_file" "seed" {
  for_each = var.seeds ? var.machines : {}

  content_type = "iso"
  datastore_id = each.value.iso_storage
  node_name    = coalesce(each.value.host, var.host)

  source_file {
    path      = "${path.module}/../${each.value.seed}"
    file_name = each.value.iso
    checksum  = each.value.sha256
  }
}

resource "proxmox_virtual_environment_vm" "machine" {
  for_each = var.machines

  name            = each.value.name
  vm_id           = each.value.vmid
  node_name       = coalesce(each.value.host, var.host)
  on_boot         = true
  started         = var.started
  stop_on_destroy = !each.value.agent
  scsi_hardware   = "virtio-scsi-single"
  boot_order      = ["scsi0"]

  # What a running machine cannot take counts from its next start: a reboot of all at once would be the cluster's end.
  reboot_after_update = false

  agent {
    enabled = each.value.agent
  }

  cpu {
    cores = each.value.cores
    type  = "x86-64-v2-AES"
  }

  memory {
    dedicated = each.value.memory
  }

  disk {
    interface    = "scsi0"
    datastore_id = each.value.storage
    import_from  = coalesce(each.value.image, var.image)
    size         = each.value.disk
    discard      = "on"
    iothread     = true
  }

  cdrom {
    interface = "scsi1"
    file_id   = var.seeds ? proxmox_virtual_environment_file.seed[each.key].id : "none"
  }

  network_device {
    bridge      = each.value.bridge
    mac_address = upper(each.value.mac)
    vlan_id     = each.value.vlan
  }

  operating_system {
    type = "l26"
  }

  serial_device {}

  lifecycle {
    # Proxmox appends CD drives that change to the order. A machine that it migrated would be destroyed for its node.
    ignore_changes = [boot_order, node_name]
  }
}
