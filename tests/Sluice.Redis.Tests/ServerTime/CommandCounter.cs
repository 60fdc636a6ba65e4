using System.Globalization;
using System.Net.Sockets;

namespace Sluice.Redis.Tests;

/// <summary>What one call of a function has cost the server.</summary>
/// <param name="Function">The function.</param>
/// <param name="Commands">The commands that it executed, itself included.</param>
/// <param name="Time">The processor time of the server's main thread.</param>
internal readonly record struct ServerCall(string Function, long Commands, TimeSpan Time);

/// <summary>Counts the commands that a server has executed, those inside functions included. For one thread at a time.</summary>
internal sealed class CommandCounter : IDisposable
{
    private readonly TcpClient client = new();
    private readonly StreamReader reader;
    private readonly StreamWriter writer;

    public CommandCounter(int port)
    {
        client.Connect("127.0.0.1", port);
        client.NoDelay = true;
        (reader, writer) = (new(client.GetStream()), new(client.GetStream()) { AutoFlush = true, NewLine = "\r\n" });
    }

    /// <summary>The commands since the server's start, except this question.</summary>
    public long Count()
    {
        writer.WriteLine("INFO commandstats");
        int left = int.Parse(reader.ReadLine()![1..], CultureInfo.InvariantCulture);       // "$" and the length of the text
        long count = 0;
        while (left > 0)
        {
            string line = reader.ReadLine()!;
            left -= line.Length + 2;
            // cmdstat_hget:calls=12,usec=…
            if (line.Split(":calls=") is [var command, var figures] && command != "cmdstat_info")
                count += long.Parse(figures.AsSpan(0, figures.IndexOf(',')), CultureInfo.InvariantCulture);
        }
        reader.ReadLine();
        return count;
    }

    public void Dispose() => client.Dispose();
}
