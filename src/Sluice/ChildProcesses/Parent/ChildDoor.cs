using System.Net.Sockets;

namespace Sluice.ChildProcesses;

/// <summary>A listening socket in a directory of its own, which only this user may enter.</summary>
internal sealed class ChildDoor : IDisposable
{
    private const int Backlog = 256;

    private readonly string directory = "";

    /// <exception cref="WorkerException">The socket cannot be made now; the machine is short of files or of room.</exception>
    /// <exception cref="InvalidOperationException">The socket cannot be made.</exception>
    public ChildDoor()
    {
        try
        {
            LeftDirectories.RemoveOnce();
            directory = Directory.CreateTempSubdirectory(LeftDirectories.Prefix).FullName;       // 0700
            Path = System.IO.Path.Combine(directory, LeftDirectories.SocketName);
            Socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            Socket.Bind(new UnixDomainSocketEndPoint(Path));
            Socket.Listen(Backlog);
        }
        catch (Exception e)
        {
            Socket?.Dispose();
            RemoveDirectory();
            string text = $"Workers cannot connect at {(Path.Length > 0 ? Path : System.IO.Path.GetTempPath())}: {e.Message.TrimEnd('.')}.";
            throw ChildProcess.MayPass(e) ? new WorkerException(text, e) : new InvalidOperationException(
                $"{text} The directory for temporary files (TMPDIR) must be there and writable, and its name short.", e);
        }
    }

    /// <summary>The path of the socket.</summary>
    public string Path { get; } = "";

    public Socket Socket { get; } = null!;

    /// <summary>Whether the socket can still be found, as far as one can see: someone may have cleaned the directory of temporary
    /// files.</summary>
    public bool IsThere => File.Exists(Path);

    public void Dispose()
    {
        Socket.Dispose();
        RemoveDirectory();
    }

    private void RemoveDirectory()
    {
        if (directory.Length == 0) return;
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Already removed; or this process may not write there any more, and a later one removes it (LeftDirectories).
        }
    }
}
