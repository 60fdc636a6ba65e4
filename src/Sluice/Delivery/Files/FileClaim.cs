using Microsoft.Win32.SafeHandles;

namespace Sluice;

/// <summary>
/// Who has a file to write: a lock of the operating system on a file beside it, so that whoever dies lets go of it, and nobody who reads the file is in its way.
/// Also says, over restarts, that what is in the file was written by a sink that had not committed anything yet.
/// </summary>
/// <remarks>The lock file is not deleted: between the deletion and the end of the lock somebody else could lock what is deleted.</remarks>
internal sealed class FileClaim : IDisposable
{
    private static readonly byte[] BegunMark = "begun"u8.ToArray();

    private readonly SafeFileHandle handle;

    private FileClaim(SafeFileHandle handle)
    {
        this.handle = handle;
        IsBegun = RandomAccess.GetLength(handle) > 0;
    }

    /// <summary>Whether a sink has begun the file, and nothing of it was ever committed.</summary>
    public bool IsBegun { get; private set; }

    /// <exception cref="IOException">Another process has it, or another sink of this one; or its directory is not there.</exception>
    public static FileClaim Take(string path)
    {
        string beside = path + ".lock";
        try
        {
            return new(File.OpenHandle(beside, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (DirectoryNotFoundException e)
        {
            throw new DirectoryNotFoundException($"The directory of {path} does not exist. Make it, or name another file.", e);
        }
        catch (IOException e) when (IsLocked(e))
        {
            throw new IOException($"{path} is being written by another process, or by another sink of this one: {beside} is locked. End the other one first.", e);
        }
    }

    public void Begin()
    {
        if (IsBegun) return;
        RandomAccess.Write(handle, BegunMark, 0);
        RandomAccess.FlushToDisk(handle);
        IsBegun = true;
    }

    public void Confirm()
    {
        if (!IsBegun) return;
        RandomAccess.SetLength(handle, 0);
        IsBegun = false;
    }

    public void Dispose() => handle.Dispose();

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows: other failures speak for themselves.
    private static bool IsLocked(IOException failure) => failure.HResult is 11 or 35 or unchecked((int)0x80070020);
}
