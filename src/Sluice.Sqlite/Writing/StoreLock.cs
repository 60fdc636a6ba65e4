namespace Sluice.Sqlite;

/// <summary>
/// The right to have a store open, held through the operating system, which gives it back however the process ends. It lies in a file of its own
/// beside the store: closing a second handle of the store's file itself would void SQLite's locks.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    // What the systems say: Linux, the BSDs and macOS, Windows.
    private const int WouldBlock = 11, WouldBlockElsewhere = 35, SharingViolation = unchecked((int)0x80070020);
    private const int ReadOnlyFileSystem = 30;

    private readonly FileStream file;

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

    // The file stays: whoever deletes it may delete the lock of somebody who has just opened it.
    public void Dispose() => file.Dispose();
}
