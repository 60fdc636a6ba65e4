using System.Net.Sockets;
using System.Text;

namespace Sluice.Redis.Tests;

/// <summary>Sends single commands to a server, each over a connection of its own. To start <c>redis-cli</c> takes much longer.</summary>
internal static class RawClient
{
    /// <summary>Returns the answer as <c>redis-cli</c> writes it to a file: arrays in lines; nothing if there is no server.</summary>
    /// <param name="port">The port on the loopback.</param>
    /// <param name="password">The password; a server without one ignores it.</param>
    /// <param name="words">The command and its arguments.</param>
    public static async Task<string> AskAsync(int port, string password, params string[] words)
    {
        try
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync("127.0.0.1", port);
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync((byte[])[.. Command(["AUTH", password]), .. Command(words)]);
            using var answers = new StreamReader(stream, Encoding.Latin1);
            await ReadAsync(answers);
            return string.Join('\n', await ReadAsync(answers));
        }
        catch (Exception away) when (away is SocketException or IOException)
        {
            return "";
        }
    }

    private static byte[] Command(string[] words)
    {
        var text = new StringBuilder($"*{words.Length}\r\n");
        foreach (string word in words) text.Append(System.Globalization.CultureInfo.InvariantCulture, $"${word.Length}\r\n{word}\r\n");
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    private static async Task<List<string>> ReadAsync(StreamReader answers)
    {
        string line = await answers.ReadLineAsync() ?? throw new IOException("The server has closed the connection.");
        switch (line[0])
        {
            case '*':
                List<string> all = [];
                for (int left = int.Parse(line.AsSpan(1)); left > 0; left--) all.AddRange(await ReadAsync(answers));
                return all;
            case '$':
                char[] bulk = new char[Math.Max(int.Parse(line.AsSpan(1)), 0)];
                if (line == "$-1") return [""];
                await answers.ReadBlockAsync(bulk);
                await answers.ReadLineAsync();
                return [new(bulk)];
            default:
                return [line[1..]];
        }
    }
}
