using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Sluice.Hosting.Tests.Tcp;

/// <summary>
/// Connections that send randomly damaged frames. Exactly the acknowledged frames are accepted. SLUICE_SEED repeats a run.
/// </summary>
public class FrameFuzzTests
{
    private const int Clients = 16;
    private const int LongestFrame = 60;

    [Theory]
    [InlineData("memory", 4_000)]
    [InlineData("sqlite", 1_000)]
    public async Task ExactlyTheAcknowledgedFramesAreAccepted(string kind, int connections)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SEED"), CultureInfo.InvariantCulture, out int given) ? given
            : Random.Shared.Next();
        await using var stores = new Stores(kind);
        await using Listener listener = await Listener.StartAsync(await stores.OpenAsync(), new() { MaxFrameBytes = LongestFrame });
        var expected = new ConcurrentBag<string>();
        int next = -1, errors = 0;

        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < connections; i = Interlocked.Increment(ref next))
            {
                var random = new Random(HashCode.Combine(seed, i));
                byte[] bytes = Encoding.UTF8.GetBytes("hello\n"
                    + string.Concat(Enumerable.Range(1, random.Next(1, 20))
                    .Select(n => $"{n} {i}/{n} {new string('é', random.Next(random.Next(10) == 0 ? 40 : 10))}\n")));
                for (int times = random.Next(3); times > 0; times--) bytes = Mutated(bytes, random);
                (List<string> items, bool isWhole) = Oracle(bytes);
                await using TcpProbe probe = await TcpProbe.ConnectAsync(listener.Address);
                await probe.SendRawAsync(bytes);
                probe.EndSending();
                List<string> answers = await probe.RestAsync();
                string what = $"seed {seed}, connection {i}: {string.Join(" | ", answers)}\n{Encoding.Latin1.GetString(bytes)}";
                string? ok = answers.LastOrDefault(answer => answer.StartsWith("ok ", StringComparison.Ordinal));
                Assert.True(items.Count == (ok is null ? 0 : int.Parse(ok.AsSpan(3), CultureInfo.InvariantCulture)), what);
                Assert.True(isWhole == !answers.Any(answer => answer.StartsWith("error ", StringComparison.Ordinal)), what);
                foreach (string item in items) expected.Add(item);
                if (!isWhole) Interlocked.Increment(ref errors);
            }
        }));

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"seed {seed}: {errors} of {connections} connections malformed, {expected.Count} items");
        Assert.InRange(errors, connections / 10, connections);
        Assert.Equal(expected.Order(StringComparer.Ordinal), (await listener.EndAsync()).Order(StringComparer.Ordinal));
    }

    /// <returns>The items before the first malformed frame, and whether there is no malformed frame.</returns>
    private static (List<string> Items, bool IsWhole) Oracle(byte[] bytes)
    {
        List<string> items = [];
        string[] lines = Encoding.Latin1.GetString(bytes).Split('\n');
        if ((lines[0].EndsWith('\r') ? lines[0][..^1] : lines[0]) != "hello") return HelloOnly(lines);
        if (lines.Length == 1) return (items, false);
        foreach (string whole in lines[1..^1])
        {
            if (whole.Length >= LongestFrame + 24) return (items, false);                  // longer than a frame with any number
            string line = whole.EndsWith('\r') ? whole[..^1] : whole;
            if (line.Length == 0) continue;
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            // .NET ignores zero bytes after a number
            if (space < 1 || line[space - 1] == '\0' || !long.TryParse(line.AsSpan(0, space), NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture, out long number)) return (items, false);
            if (number < 1 || number > items.Count + 1) return (items, false);
            byte[] payload = Encoding.Latin1.GetBytes(line[(space + 1)..]);
            if (number <= items.Count) continue;
            if (payload.Length > LongestFrame) return (items, false);
            try
            {
                items.Add(new UTF8Encoding(false, true).GetString(payload));
            }
            catch (ArgumentException)
            {
                return (items, false);
            }
        }
        return (items, lines[^1].Length == 0);
    }

    /// <summary>Only an anonymous hello is expected; the damage must not make one with a client id.</summary>
    private static (List<string> Items, bool IsWhole) HelloOnly(string[] lines)
        => lines[0].StartsWith("hello ", StringComparison.Ordinal) ? throw new NotSupportedException(lines[0]) : ([], false);

    private static byte[] Mutated(byte[] bytes, Random random)
    {
        int at = random.Next(bytes.Length + 1);
        if (at < 7) at = random.Next(2) == 0 ? 2 : 7; // damages the hello at its third letter, or the frames after it
        if (at > bytes.Length) return bytes;
        return random.Next(5) switch
        {
            0 => bytes[..at],
            1 => [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]],
            2 => [.. bytes[..at], .. bytes[random.Next(at, bytes.Length + 1)..]],
            3 => [.. bytes[..at], .. "\n"u8, .. bytes[at..]],
            _ => at < bytes.Length ? [.. bytes[..at], (byte)(bytes[at] ^ (1 << random.Next(8))), .. bytes[(at + 1)..]] : bytes,
        };
    }
}
