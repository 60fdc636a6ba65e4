using System.Net.Sockets;
using Sluice.ChildProcesses;

namespace Sluice.Tests.ChildProcesses;

/// <summary>Directories of sockets whose processes were killed.</summary>
public sealed class LeftDirectoryTests : IDisposable
{
    private readonly string parent = Directory.CreateTempSubdirectory("left-").FullName;
    private readonly List<Socket> sockets = [];

    public void Dispose()
    {
        foreach (Socket socket in sockets) socket.Dispose();
        Directory.Delete(parent, recursive: true);
    }

    [Fact]
    public void OnlyOldDirectoriesWithASocketThatNobodyHasAreRemoved()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow(), later = now + TimeSpan.FromHours(25);
        Make("sluice-dead", listens: false);
        Make("sluice-live", listens: true);
        Make("other-dead", listens: false);
        File.WriteAllText(Path.Combine(Make("sluice-more", listens: false), "notes"), "x");
        Directory.CreateDirectory(Path.Combine(parent, "sluice-empty"));
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(parent, "sluice-file")).FullName, "workers"), "x");

        LeftDirectories.Remove(parent, now + TimeSpan.FromHours(23));
        Assert.Equal(6, Directory.GetDirectories(parent).Length);
        LeftDirectories.Remove(parent, later);

        Assert.Equal(["other-dead", "sluice-empty", "sluice-file", "sluice-live", "sluice-more"],
            Directory.GetDirectories(parent).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        LeftDirectories.Remove(Path.Combine(parent, "nowhere"), later);
    }

    private string Make(string name, bool listens)
    {
        string directory = Directory.CreateDirectory(Path.Combine(parent, name)).FullName, path = Path.Combine(directory, "workers");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        sockets.Add(socket);
        if (listens)
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen(1);
            return directory;
        }
        // The runtime removes the file of a socket that it closes; a process that is killed does not.
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(directory, "bound")));
        File.Move(Path.Combine(directory, "bound"), path);
        socket.Dispose();
        return directory;
    }
}
