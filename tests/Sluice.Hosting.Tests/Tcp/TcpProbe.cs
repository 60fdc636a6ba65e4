using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Hosting.Tests.Tcp;

/// <summary>A client of <c>Source.Tcp</c>, frame by frame.</summary>
internal sealed class TcpProbe : IAsyncDisposable
{
    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly TcpFraming framing;
    private Stream stream = Stream.Null;

    private TcpProbe(TcpFraming framing) => this.framing = framing;

    public static async Task<TcpProbe> ConnectAsync(IPEndPoint to, TcpFraming framing = TcpFraming.Lines, string? certificate = null)
    {
        var probe = new TcpProbe(framing);
        await probe.socket.ConnectAsync(to);
        probe.stream = new NetworkStream(probe.socket);
        if (certificate is null) return probe;
        var encrypted = new SslStream(probe.stream, leaveInnerStreamOpen: false,
            (_, shown, _, _) => shown?.GetCertHashString() == certificate);
        probe.stream = encrypted;
        await encrypted.AuthenticateAsClientAsync("localhost");
        return probe;
    }

    /// <summary>Connects and says hello.</summary>
    /// <returns>The number of the last accepted frame, from the answer.</returns>
    public static async Task<(TcpProbe Probe, long Last)> HelloAsync(IPEndPoint to, string? client = null,
        TcpFraming framing = TcpFraming.Lines)
    {
        TcpProbe probe = await ConnectAsync(to, framing);
        await probe.SendAsync(client is null ? "hello" : $"hello {client}");
        string? answer = await probe.ReceiveAsync();
        Assert.StartsWith("hello ", answer);
        return (probe, long.Parse(answer.AsSpan(6), System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Sends a text as a frame.</summary>
    public Task SendAsync(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (framing == TcpFraming.Lines) return SendRawAsync([.. bytes, (byte)'\n']);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        return SendRawAsync([.. length, .. bytes]);
    }

    /// <summary>Sends a numbered payload as a frame with its length.</summary>
    public Task SendAsync(long number, byte[] payload)
    {
        byte[] head = new byte[12];
        BinaryPrimitives.WriteInt32BigEndian(head, payload.Length + 8);
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(4), number);
        return SendRawAsync([.. head, .. payload]);
    }

    public async Task SendRawAsync(byte[] bytes)
    {
        try
        {
            await stream.WriteAsync(bytes);
        }
        catch (IOException)
        {
            // the server refused a frame early; its answer says why
        }
    }

    /// <returns>The next answer; null at the end.</returns>
    public async Task<string?> ReceiveAsync()
    {
        try
        {
            if (framing == TcpFraming.Length)
            {
                byte[] length = new byte[4];
                if (await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false) < 4) return null;
                byte[] text = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
                await stream.ReadExactlyAsync(text);
                return Encoding.UTF8.GetString(text);
            }
            List<byte> line = [];
            byte[] one = new byte[1];
            while (await stream.ReadAsync(one) == 1)
            {
                if (one[0] == '\n') return Encoding.UTF8.GetString([.. line]);
                line.Add(one[0]);
            }
            return null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Receives until this number, or a higher one, is acknowledged.</summary>
    public async Task AcknowledgedAsync(long number)
    {
        while (true)
        {
            string answer = await ReceiveAsync() ?? throw new InvalidOperationException("closed");
            if (answer == "full") continue;
            Assert.StartsWith("ok ", answer);
            if (long.Parse(answer.AsSpan(3), System.Globalization.CultureInfo.InvariantCulture) >= number) return;
        }
    }

    /// <returns>All answers until the server closes.</returns>
    public async Task<List<string>> RestAsync()
    {
        List<string> answers = [];
        while (await ReceiveAsync() is { } answer) answers.Add(answer);
        return answers;
    }

    public void EndSending() => socket.Shutdown(SocketShutdown.Send);

    public void Abort() => socket.Close(0);

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        socket.Dispose();
    }
}
