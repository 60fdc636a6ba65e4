using System.Buffers.Binary;

namespace Sluice.Sqlite;

/// <summary>
/// The exclusive right to open a store: a lock of the operating system, which ends with the process in any case. It is on a separate file
/// beside the store, because closing a second handle of the store's file would void SQLite's locks. The file also records the progress of
/// the store: a store behind that record was replaced by an older copy, or lost its end. A second record has a loss that no service has
/// told yet.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    // Error codes of Linux, of the BSDs and macOS, and of Windows.
    private const int WouldBlock = 11, WouldBlockElsewhere = 35, SharingViolation = unchecked((int)0x80070020);
    private const int ReadOnlyFileSystem = 30;

    // A record: two numbers and their checksum.
    private const int RecordBytes = 3 * sizeof(long);
    private const int WitnessAt = 0, LossAt = RecordBytes;

    private readonly FileStream file;
    private readonly byte[] record = new byte[RecordBytes];
    private volatile bool isLossTold;
    private bool isLossForgotten;

    private StoreLock(FileStream file) => this.file = file;

    /// <summary>The failure of a path that is a directory. SQLite would only say that it cannot open it.</summary>
    public static StreamStoreException Folder(string path)
        => new($"The store {path} cannot be opened: it is a directory. Give the path of a file, such as {Path.Join(path, "sluice.db")}.")
        {
            IsPermanent = true
        };

    /// <exception cref="StoreInUseException">The store is open elsewhere.</exception>
    /// <exception cref="StreamStoreException">The path is a directory, or the file cannot be created.</exception>
    public static StoreLock Take(string path)
    {
        if (Directory.Exists(path)) throw Folder(path);
        string lockPath = path + "-lock";
        try
        {
            return new(new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
        }
        catch (DirectoryNotFoundException missing)
        {
            throw new StreamStoreException($"The store {path} cannot be opened: its directory does not exist. Make it first.", missing);
        }
        catch (UnauthorizedAccessException denied) when (Path.Exists(lockPath))
        {
            throw new StreamStoreException(
                $"The store {path} cannot be opened: this user may not write its lock, {lockPath} ({denied.Message}). Another user has "
                    + $"made it, perhaps by a command: give the file to the user of the service.", denied);
        }
        catch (Exception denied) when (denied is UnauthorizedAccessException || denied.HResult == ReadOnlyFileSystem)
        {
            throw new StreamStoreException(
                $"The store {path} cannot be opened: its directory is read-only for this user ({denied.Message}). A store writes beside "
                    + $"its file as well (-wal, -shm, -lock).", denied);
        }
        catch (IOException failed) when (IsHeld(failed))
        {
            throw new StoreInUseException(
                $"The store {path} is open already, in another process or by another object in this one. Only one object can have it "
                    + $"open: end the other process, or share one store object in this process. "
                    + "Several processes that work on the same items need a store on a server: RedisStreamStore or PostgresStreamStore.",
                failed);
        }
        catch (IOException failed)
        {
            throw new StreamStoreException($"The store {path} cannot be opened: {failed.Message}", failed);
        }
    }

    /// <summary>Whether a file could not be locked because another one has the lock: other failures explain themselves.</summary>
    public static bool IsHeld(IOException failure) => failure.HResult is WouldBlock or WouldBlockElsewhere or SharingViolation;

    /// <summary>Returns the recorded transaction and its generation; null if there is no record, or it is unreadable.</summary>
    public (long Transaction, int Generation)? Witness() => Read(WitnessAt) is var (transaction, generation)
        ? (transaction, (int)generation)
        : null;

    /// <summary>Records a stored transaction. Not flushed: the record may be behind the store, but never ahead.</summary>
    public void Note(long transaction, int generation)
    {
        Write(WitnessAt, transaction, generation);
        ForgetToldLoss();
    }

    /// <summary>Returns the loss that no service has told yet: the transaction that the store had come to, and the one that was found; null
    /// if there is none.</summary>
    public (long Reached, long Found)? Loss() => Read(LossAt);

    /// <summary>Records a loss until a service has told it: the service that finds it may die before that.</summary>
    public void NoteLoss((long Reached, long Found) loss) => Write(LossAt, loss.Reached, loss.Found);

    /// <summary>Notes that a service has told the loss. Any thread.</summary>
    public void TellLoss() => isLossTold = true;

    /// <summary>Deletes the record of a loss that a service has told. Called by the thread that writes the store, or behind its end.
    /// </summary>
    public void ForgetToldLoss()
    {
        if (!isLossTold || isLossForgotten) return;
        isLossForgotten = true;
        Write(LossAt, 0, 0, isVoid: true);
    }

    private (long, long)? Read(int at)
    {
        if (RandomAccess.Read(file.SafeFileHandle, record, at) < RecordBytes) return null;
        long first = BinaryPrimitives.ReadInt64LittleEndian(record), second = BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(8));
        return BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(16)) == ~(first ^ second) ? (first, second) : null;
    }

    private void Write(int at, long first, long second, bool isVoid = false)
    {
        BinaryPrimitives.WriteInt64LittleEndian(record, first);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(8), second);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(16), isVoid ? 0 : ~(first ^ second));
        try
        {
            RandomAccess.Write(file.SafeFileHandle, record, at);
        }
        catch (IOException)
        {
            // The transaction is stored, which matters. A record that is behind detects less, but causes no harm.
        }
    }

    // The file stays: deleting it could delete the lock of a process that has just opened it.
    public void Dispose() => file.Dispose();
}
