using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Hosting.Tests.Http;

/// <summary>A client that sends any bytes and reads one answer.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public static async Task<RawClient> ConnectAsync(Uri address)
    {
        var client = new RawClient();
        await client.socket.ConnectAsync(address.Host, address.Port);
        return client;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes)..];
        }
        catch (SocketException)
        {
            // the server refused the request early; its answer says why
        }
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends nothing more; the answer can still come.</summary>
    public void EndSending() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the connection without reading the answer.</summary>
    public void Abort() => socket.Close(0);

    /// <returns>The status and the body; zero if the connection was closed without an answer.</returns>
    public async Task<(int Status, string Body)> ReceiveAsync()
    {
        var bytes = new MemoryStream();
        byte[] buffer = new byte[4096];
        while (true)
        {
            string text = Encoding.Latin1.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end > 0)
            {
                int at = text.IndexOf("Content-Length: ", StringComparison.OrdinalIgnoreCase);
                int length = at < 0 || at > end ? 0 : int.Parse(text.AsSpan(at + 16, text.IndexOf('\r', at) - at - 16),
                    CultureInfo.InvariantCulture);
                if (text.Length >= end + 4 + length) return (int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture),
                    text.Substring(end + 4, length));
            }
            int read;
            try
            {
                read = await socket.ReceiveAsync(buffer);
            }
            catch (SocketException)
            {
                read = 0;
            }
            if (read == 0) return (0, "");
            bytes.Write(buffer, 0, read);
        }
    }

    public void Dispose() => socket.Dispose();
}
