using System.Net;
using Sluice.Redis;
using Sluice.Redis.Tests;
using Sluice.Samples.Tests;

namespace Sluice.Cli.Tests;

/// <summary>
/// A Redis server dies or stops to answer at a request of a command. Each command then waits for the timeout of its store, so its tests are
/// in several classes, which run beside each other.
/// </summary>
public abstract class RedisFaultTestBase : CliTestBase
{
    internal static RequestGate Gate(RedisServer server, string call, int number, GateMoment moment, Func<Task> act)
        => new(new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, server.Port), call, number, moment, act);

    /// <summary>Makes dead letters, and returns the ids of their items.</summary>
    internal static async Task<string[]> FillAsync(RedisServer server, int letters)
    {
        await using RedisStreamStore store = await RedisStreamStore.ConnectAsync(server.Address, null, Cancellation);
        string[] items = [.. Enumerable.Range(1, letters).Select(static number => $"letter {number}")];
        await FillAsync(store, items);
        return items;
    }

    /// <summary>The command ends with one line when the server is gone, and succeeds when it is back.</summary>
    /// <param name="command">The command, without its store.</param>
    /// <param name="call">The text of the request at which the server is gone.</param>
    /// <param name="number">Which request with this text, from 1.</param>
    /// <param name="isKilled">Whether the server dies; otherwise it is frozen.</param>
    /// <param name="part">A part of the line.</param>
    internal async Task EndsWithOneLineAsync(string command, string call, int number, bool isKilled, string part)
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendfsync", "always");
        await FillAsync(server, 3);
        string[] words = command.Split(' ');
        using (var gate = Gate(server, call, number, GateMoment.BeforeRequest, isKilled ? server.KillAsync : server.PauseAsync))
        {
            string line = (await RunAsync([words[0], $"redis:127.0.0.1:{gate.Port}", .. words[1..]])).OneErrorLine(3, "sluice");
            Assert.Contains($"127.0.0.1:{gate.Port} does not answer", line, StringComparison.Ordinal);
            Assert.Contains(part, line, StringComparison.Ordinal);
        }
        if (isKilled) await server.StartAgainAsync();
        else await server.ResumeAsync();
        if (!words.Contains("--follow")) (await RunAsync([words[0], $"redis:{server.Address}", .. words[1..]])).Succeeded();
    }
}
