using Microsoft.Win32.SafeHandles;

namespace Sluice.Delivery;

/// <summary>
/// The exclusive right to write a file: a lock of the operating system on a file beside it. The lock ends with its process and does not
/// disturb readers. The content of the lock file marks, over restarts, a file that a sink has begun and never committed to.
/// </summary>
/// <remarks>The lock file stays: between its deletion and the end of the lock, another process could lock the deleted file.</remarks>
internal sealed class FileClaim : IDisposable
{
    private static readonly byte[] BegunMark = "begun"u8.ToArray();

    private readonly SafeFileHandle handle;

    private FileClaim(SafeFileHandle handle)
    {
        this.handle = handle;
        IsBegun = RandomAccess.GetLength(handle) > 0;
    }

    /// <summary>Whether a sink has begun the file and has never committed to it.</summary>
    public bool IsBegun { get; private set; }

    /// <exception cref="IOException">Another process or another sink of this process holds the claim; the path is a directory; or the
    /// directory does not exist.</exception>
    public static FileClaim Take(string path)
    {
        string beside = path + ".lock";
        if (Directory.Exists(path)) throw new IOException($"{path} is a directory, so no sink can write it. Name a file.");
        try
        {
            return new(File.OpenHandle(beside, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (DirectoryNotFoundException e)
        {
            throw new DirectoryNotFoundException($"The directory of {path} does not exist. Make it, or name another file.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException(
                $"{path} cannot be written by this user: the sink also makes {beside}, and the directory or that file cannot be written.", e);
        }
        catch (IOException e) when (IsLocked(e))
        {
            throw new IOException(
                $"{path} is being written by another process, or by another sink of this one: {beside} is locked. End the other one first.",
                    e);
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

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows: other failures explain themselves.
    private static bool IsLocked(IOException failure) => failure.HResult is 11 or 35 or unchecked((int)0x80070020);
}
