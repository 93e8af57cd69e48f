package problem

// Problems of the store and of the disk: P400 to P419.
const (
	StoreDead     Code = "P400"
	StoreFull     Code = "P401"
	StoreLocked   Code = "P402"
	StoreNewer    Code = "P403"
	StoreUnsafe   Code = "P404"
	DiskSync      Code = "P405"
	DiskFull      Code = "P406"
	FolderInUse   Code = "P407"
	StoreUnopened Code = "P408"
)

func storeRows() []Problem {
	return []Problem{
		{StoreDead, "The database failed and may not be written any more",
			"Postern ends at once and answers no further 250; Exchange keeps and repeats what it had not answered",
			"Let the service manager start it again; it recovers by itself. If it comes back, check the disk " +
				"(SMART, kernel log) or the PostgreSQL server's log before anything else"},
		{StoreFull, "The disk of the database is full",
			"Mail that must be recorded first is answered as the tenant's store-full setting says; nothing is lost",
			"Free space on the volume of the database; Postern goes on by itself"},
		{StoreLocked, "The database is locked by another process or cannot be reached",
			"Mail is deferred (451) until it is free again; nothing is lost",
			"Look for a backup, a shell or a second Postern that holds the database open, or for the PostgreSQL server"},
		{StoreNewer, "The database was made by a newer version of Postern",
			"Postern does not start, so mail waits at Exchange",
			"Install the version that was running before, or restore the backup from before the upgrade"},
		{StoreUnsafe, "The database does not promise that a commit survives a power cut",
			"Postern does not start, so mail waits at Exchange",
			"Put the SQLite file on a local file system (not NFS or SMB); on PostgreSQL set fsync=on and use UTF8"},
		{DiskSync, "The disk failed to make a file durable (fsync)",
			"Postern ends at once and answers no further 250; Exchange keeps and repeats what it had not answered",
			"Let the service manager start it again; check the disk and the kernel log"},
		{DiskFull, "The disk or the quota of the data folder is full",
			"Messages that need custody are deferred or refused as the tenant's store-full setting says",
			"Free space on the volume of the data folder; Postern goes on by itself"},
		{FolderInUse, "Another process holds the data folder",
			"The second process does not start; the first one goes on",
			"End the process that the message names, or use the verb while the gateway is running"},
		{StoreUnopened, "The database cannot be opened",
			"Postern does not start, so mail waits at Exchange",
			"Read the message: path, rights (the file must belong to Postern's user), address or password"},
	}
}
