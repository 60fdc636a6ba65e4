using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Payments.Driving;

/// <summary>A client that sends payments over TCP, and after each break goes on behind what hello says is there.</summary>
internal sealed class TcpSender(string id, IReadOnlyList<Payment> payments, Victim victim, Tally tally)
{
    private const int AtOnce = 20;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private int acknowledged;
    private int sent;

    /// <summary>Sends until all are acknowledged.</summary>
    public async Task SendAsync(CancellationToken cancellation)
    {
        while (acknowledged < payments.Count)
        {
            var server = await victim.FindAsync(cancellation);
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(server.Tcp, cancellation);
                await SendAsync(client.GetStream(), cancellation);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                await Task.Delay(Pause, cancellation);
            }
        }
    }

    private async Task SendAsync(NetworkStream stream, CancellationToken cancellation)
    {
        using var reader = new StreamReader(stream);
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"hello {id}\n"), cancellation);
        Acknowledge(await ReadAsync(reader, "hello", cancellation));
        if (sent > acknowledged) tally.Repeat(sent - acknowledged);
        while (acknowledged < payments.Count)
        {
            sent = Math.Min(acknowledged + AtOnce, payments.Count);
            var frames = Enumerable.Range(acknowledged, sent - acknowledged)
                .Select(at => $"{at + 1} {JsonSerializer.Serialize(payments[at], PaymentsJson.Default.Payment)}\n");
            await stream.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(frames)), cancellation);
            while (acknowledged < sent) Acknowledge(await ReadAsync(reader, "ok", cancellation));
        }
    }

    private void Acknowledge(int upTo)
    {
        if (upTo <= acknowledged) return;
        tally.Acknowledge(upTo - acknowledged);
        acknowledged = upTo;
    }

    private static async Task<int> ReadAsync(StreamReader reader, string expected, CancellationToken cancellation)
    {
        while (true)
        {
            var line = await reader.ReadLineAsync(cancellation) ?? throw new IOException("The server has closed the connection.");
            if (line == "full") continue;
            if (line.Split(' ') is [var word, var number] && word == expected) return int.Parse(number, CultureInfo.InvariantCulture);

            // "N text" without an end is what a killed server leaves; it says "error" when it is a matter of what was sent.
            if (line.StartsWith("error ", StringComparison.Ordinal)) throw new InvalidDataException($"The TCP producer answered: {line}");
        }
    }
}
