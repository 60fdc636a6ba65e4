using SQLitePCL;

namespace Sluice.Sqlite;

/// <summary>A failure reported by SQLite: a code and a message.</summary>
internal sealed class SqliteFailure(int code, string message) : Exception(message)
{
    /// <summary>The extended result code.</summary>
    public int Code => code;

    private int Primary => code & 0xff;

    /// <summary>Whether the disk is full.</summary>
    public bool IsFull => Primary == raw.SQLITE_FULL;

    /// <summary>Whether the medium failed: a write may or may not have happened.</summary>
    public bool IsIo => Primary == raw.SQLITE_IOERR;

    /// <summary>Whether a function of an item has made SQLite roll the transaction back. The next transaction refuses that item.</summary>
    public bool IsInterrupt => Primary == raw.SQLITE_INTERRUPT;

    /// <summary>Whether another program holds a lock on the file for longer than a call waits.</summary>
    public bool IsBusy => Primary is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>
    /// Whether the values of a row are wrong: a constraint, a type, a length. Reported when a statement runs, not when it is prepared.
    /// </summary>
    public bool IsOfRow => Primary is raw.SQLITE_CONSTRAINT or raw.SQLITE_MISMATCH or raw.SQLITE_TOOBIG;

    /// <summary>Whether the values may be wrong, because a function in the statement failed; or else the tables.</summary>
    public bool MayBeOfRow => Primary == raw.SQLITE_ERROR;

    /// <summary>Whether a page or its content is damaged.</summary>
    public bool IsCorrupt => Primary == raw.SQLITE_CORRUPT;

    /// <summary>Converts the failure to an exception that names the file and the remedy.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isLook">Whether the call only looks: damage is permanent then. A writer opens the file again, and repeats.</param>
    public StreamStoreException Explain(string path, bool isLook = false) => new(Primary switch
    {
        raw.SQLITE_FULL
            => $"There is no room left on the disk of the store {path}. Nothing of this call was written, what was acknowledged is safe. "
            + $"Make room and repeat the call.",
        raw.SQLITE_NOTADB => $"{path} is no SQLite database, or is encrypted. Nothing was changed. Give the store a path of its own.",
        raw.SQLITE_CORRUPT
            => $"The store {path} is damaged: {Message}. Copy the file with its -wal, call CheckAsync to see what is affected, and "
            + $"restore a backup.",
        raw.SQLITE_READONLY or raw.SQLITE_PERM
            => $"The store {path} cannot be written: the file or its directory is read-only for this user. SQLite needs to write beside "
            + $"the file as well (-wal, -shm).",
        raw.SQLITE_CANTOPEN => $"The store {path} cannot be opened: does its directory exist, and may this user write there? ({Message})",
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED
            => $"Another program holds a lock on the store {path}: only one may write to it. End it (a backup, or the sqlite3 tool, in a "
            + $"transaction?) and repeat the call.",
        raw.SQLITE_IOERR
            => $"The store {path} could not be read or written: {Message} (SQLite {code}). Nothing of this call is stored, what was "
            + $"acknowledged is. Look at the disk (and at limits on the size of files), and repeat the call.",
        _ => $"The store {path} failed: {Message} (SQLite {code}).",
    }, this)
    { IsPermanent = isLook && IsCorrupt };
}
