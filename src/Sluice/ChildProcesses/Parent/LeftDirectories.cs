using System.Net.Sockets;

namespace Sluice.ChildProcesses;

/// <summary>Removes the directories of sockets that processes have left behind which were killed.</summary>
internal static class LeftDirectories
{
    public const string Prefix = "sluice-", SocketName = "workers";

    private const int MaxDirectories = 1_000;
    // The socket of a young one may not listen yet. On a shared directory, one of another machine looks like a left one.
    private static readonly TimeSpan MinAge = TimeSpan.FromDays(1);
    private static int hasLooked;

    /// <summary>Removes them from the directory of temporary files, once in a process. Never throws.</summary>
    public static void RemoveOnce()
    {
        if (Interlocked.Exchange(ref hasLooked, 1) == 0) Remove(Path.GetTempPath(), TimeProvider.System.GetUtcNow());
    }

    /// <summary>Removes those of this user from a directory that are a day old and have nothing but a socket on which nobody
    /// listens. Never throws.</summary>
    public static void Remove(string parent, DateTimeOffset now)
    {
        try
        {
            foreach (string directory in Directory.EnumerateDirectories(parent, $"{Prefix}*").Take(MaxDirectories).ToArray())
                TryRemove(directory, now);
        }
        catch (Exception)
        {
            // The listener makes its own directory there next, and says what is wrong.
        }
    }

    private static void TryRemove(string directory, DateTimeOffset now)
    {
        try
        {
            string socket = Path.Combine(directory, SocketName);
            if (now.UtcDateTime - Directory.GetLastWriteTimeUtc(directory) < MinAge) return;
            if (Directory.GetFileSystemEntries(directory) is not [string only] || only != socket) return;
            if (new FileInfo(socket).Length > 0 || !IsRefused(socket)) return;
            File.Delete(socket);
            Directory.Delete(directory);             // fails if something else has come into it meanwhile
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or SocketException)
        {
            // It is another user's, or another process has just removed it, or its path is too long for a socket, or the process has too
            // many files open.
        }
    }

    private static bool IsRefused(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }
}
