using Microsoft.Win32.SafeHandles;

namespace Sluice.Delivery;

/// <summary>
/// The exclusive right to write a file: a lock of the operating system on a file beside it. The lock ends with its process and does not
/// disturb readers. The lock file has a note that lasts over restarts: the id of the file, the sink that writes it, and whether that sink
/// has committed to it.
/// </summary>
/// <remarks>The lock file stays: between its deletion and the end of the lock, another process could lock the deleted file.</remarks>
internal sealed class FileClaim : IDisposable
{
    private const string Begun = "begun", Known = "known";

    private readonly SafeFileHandle handle;

    private FileClaim(SafeFileHandle handle)
    {
        this.handle = handle;
        byte[] note = new byte[RandomAccess.GetLength(handle)];
        string[] lines = Encoding.UTF8.GetString(note, 0, RandomAccess.Read(handle, note, 0)).Split('\n', 3);
        IsBegun = lines[0] == Begun;
        if (lines.Length == 3) (Id, Writer) = (lines[1], lines[2]);
    }

    /// <summary>Whether a sink has begun the file and has never committed to it.</summary>
    public bool IsBegun { get; private set; }

    /// <summary>The id of the file. The store keeps it beside the file's length, so that no other file is taken for this one. Null if the
    /// lock file is new, or an earlier version has made it.</summary>
    public string? Id { get; private set; }

    /// <summary>The consecutor and the node that write the file; null if <see cref="Id"/> is.</summary>
    public string? Writer { get; private set; }

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

    /// <summary>Notes that a sink begins the file. It keeps the id of a file that the sink has begun before.</summary>
    public void Begin(string writer)
    {
        if (IsBegun && Writer == writer) return;
        Note(Begun, Guid.NewGuid().ToString("N"), writer);
    }

    /// <summary>Notes that a sink has committed to the file.</summary>
    public void Confirm()
    {
        if (!IsBegun) return;
        RandomAccess.Write(handle, Encoding.UTF8.GetBytes(Known), 0);
        IsBegun = false;
    }

    /// <summary>Notes that a sink has committed to the file, where the lock file does not say so.</summary>
    /// <param name="id">The id in the store; null if there is none.</param>
    /// <param name="writer">The sink.</param>
    public void Adopt(string? id, string writer) => Note(Known, id ?? Guid.NewGuid().ToString("N"), writer);

    private void Note(string state, string id, string writer)
    {
        byte[] note = Encoding.UTF8.GetBytes($"{state}\n{id}\n{writer}");
        RandomAccess.SetLength(handle, note.Length);
        RandomAccess.Write(handle, note, 0);
        RandomAccess.FlushToDisk(handle);
        (IsBegun, Id, Writer) = (state == Begun, id, writer);
    }

    public void Dispose() => handle.Dispose();

    // EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows: other failures explain themselves.
    private static bool IsLocked(IOException failure) => failure.HResult is 11 or 35 or unchecked((int)0x80070020);
}
