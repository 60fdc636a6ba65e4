using System.Buffers.Binary;

namespace Sluice.Sqlite;

/// <summary>
/// The right to have a store open, held through the operating system, which gives it back however the process ends. It lies in a file of its own
/// beside the store: closing a second handle of the store's file itself would void SQLite's locks. That file is also the witness of how far the store had come: one
/// that is behind it was put in the place of a later one, or begun anew.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    // What the systems say: Linux, the BSDs and macOS, Windows.
    private const int WouldBlock = 11, WouldBlockElsewhere = 35, SharingViolation = unchecked((int)0x80070020);
    private const int ReadOnlyFileSystem = 30;

    private const int WitnessBytes = 3 * sizeof(long);

    private readonly FileStream file;
    private readonly byte[] witness = new byte[WitnessBytes];

    private StoreLock(FileStream file) => this.file = file;

    /// <exception cref="StreamStoreException">Somebody else has it, or the file cannot be made.</exception>
    public static StoreLock Take(string path)
    {
        string lockPath = path + "-lock";
        try
        {
            return new(new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1));
        }
        catch (DirectoryNotFoundException missing)
        {
            throw new StreamStoreException($"The store {path} cannot be opened: its directory does not exist. Make it first.", missing);
        }
        catch (Exception denied) when (denied is UnauthorizedAccessException || denied.HResult == ReadOnlyFileSystem)
        {
            throw new StreamStoreException($"The store {path} cannot be opened: its directory is read-only for this user ({denied.Message}). A store writes beside its file as well (-wal, -shm, -lock).", denied);
        }
        catch (IOException failed) when (failed.HResult is WouldBlock or WouldBlockElsewhere or SharingViolation)
        {
            throw new StreamStoreException($"The store {path} is open already, in another process or by another object in this one. One has it at a time: end that one, or use the store through it.", failed);
        }
        catch (IOException failed)
        {
            throw new StreamStoreException($"The store {path} cannot be opened: {failed.Message}", failed);
        }
    }

    /// <summary>The last transaction that was noted, and the generation then; null if none was, or it cannot be read.</summary>
    public (long Transaction, int Generation)? Witness()
    {
        if (RandomAccess.Read(file.SafeFileHandle, witness, 0) < WitnessBytes) return null;
        long transaction = BinaryPrimitives.ReadInt64LittleEndian(witness), generation = BinaryPrimitives.ReadInt64LittleEndian(witness.AsSpan(8));
        return BinaryPrimitives.ReadInt64LittleEndian(witness.AsSpan(16)) == ~(transaction ^ generation) ? (transaction, (int)generation) : null;
    }

    /// <summary>Notes a transaction that is stored. Not flushed: it must never be ahead of the store, and may be behind.</summary>
    public void Note(long transaction, int generation)
    {
        BinaryPrimitives.WriteInt64LittleEndian(witness, transaction);
        BinaryPrimitives.WriteInt64LittleEndian(witness.AsSpan(8), generation);
        BinaryPrimitives.WriteInt64LittleEndian(witness.AsSpan(16), ~(transaction ^ generation));
        try
        {
            RandomAccess.Write(file.SafeFileHandle, witness, 0);
        }
        catch (IOException)
        {
            // The transaction is stored, and that is what matters: a witness that is behind says less, but nothing wrong.
        }
    }

    // The file stays: whoever deletes it may delete the lock of somebody who has just opened it.
    public void Dispose() => file.Dispose();
}
