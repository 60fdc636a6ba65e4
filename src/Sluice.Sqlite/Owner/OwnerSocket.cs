using System.Net.Sockets;

namespace Sluice.Sqlite;

/// <summary>The socket beside a store's file, by which other processes of the same user reach the one that has the store open.</summary>
internal static class OwnerSocket
{
    private const string Suffix = "-socket";

    public static string PathOf(string store) => store + Suffix;

    /// <summary>The address of the socket; null if a socket cannot have this path, because it is too long.</summary>
    public static UnixDomainSocketEndPoint? AddressOf(string store)
    {
        try
        {
            return new(PathOf(store));
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;                             // about 100 bytes, by the operating system
        }
    }

    /// <summary>Opens the socket of the owner, for this user only; null where there can be none.</summary>
    /// <remarks>
    /// The caller has the lock of the store, so a socket that is there already is that of a dead owner. Nobody can connect before the file
    /// has its rights, because connections are refused until it listens.
    /// </remarks>
    public static Socket? Listen(string store)
    {
        if (AddressOf(store) is not { } address) return null;
        Socket? socket = null;
        try
        {
            File.Delete(PathOf(store));
            socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(address);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(PathOf(store), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(16);
            return socket;
        }
        catch (Exception none) when (none is SocketException or IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // A file system without sockets. The store works; other processes are told that this one takes no changes.
            socket?.Dispose();
            return null;
        }
    }

    /// <summary>Deletes the socket, before the owner stops to listen.</summary>
    public static void Delete(string store)
    {
        try
        {
            File.Delete(PathOf(store));
        }
        catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
        {
            // The directory was removed, or became read-only. A socket that stays refuses connections; the next owner replaces it.
        }
    }
}
