using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sluice.Hosting.Tests.Http;

/// <summary>
/// Randomly damaged requests. Each gets a clear answer. The accepted items are those that an oracle reads from the requests answered with
/// 202. SLUICE_SEED repeats a run.
/// </summary>
public class FuzzTests
{
    private const int Clients = 16;

    [Theory]
    [InlineData("memory", 14_000)]
    [InlineData("sqlite", 3_000)]
    public async Task RandomRequestsAreAnsweredAndOnlyValidItemsAreAccepted(string kind, int requests)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_SEED"), CultureInfo.InvariantCulture, out int given) ? given
            : Random.Shared.Next();
        await using var stores = new Stores(kind);
        await using Service service = await Service.StartAsync(await stores.OpenAsync(),
            new() { MaxItemBytes = 400, MaxBodyBytes = 2000, MaxItems = 12 });
        var expected = new ConcurrentBag<Order>();
        var statuses = new ConcurrentDictionary<int, int>();
        int next = -1;

        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            for (int i = Interlocked.Increment(ref next); i < requests; i = Interlocked.Increment(ref next))
            {
                var request = new FuzzedRequest(new Random(HashCode.Combine(seed, i)));
                using RawClient client = await RawClient.ConnectAsync(service.Address);
                await client.SendAsync(request.Bytes);
                if (!request.IsWhole) client.EndSending(); // the server may take this for a disconnect, so only incomplete requests do it
                (int status, string answer) = await client.ReceiveAsync();
                statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
                string what = $"seed {seed}, request {i}: {status} {answer}\n{Encoding.Latin1.GetString(request.Bytes)}";
                if (status == 0 && !request.IsWhole) continue;
                Assert.True(status is 202 or 400 or 404 or 405 or 411 or 413 or 414 or 415 or 431 or 501 or 505, what);
                if (status != 202)
                {
                    Assert.False(request.IsAcceptable, what);
                    continue;
                }
                int accepted = JsonDocument.Parse(answer).RootElement.GetProperty("accepted").GetInt32();
                List<Order>? orders = request.Meanings.FirstOrDefault(meaning => meaning?.Count == accepted);
                Assert.True(orders is not null, what);
                foreach (Order order in orders) expected.Add(order);
            }
        }));

        (long total, Order[] processed) = await service.EndAsync();
        string seen = $"seed {seed}: {string.Join(", ", statuses.OrderBy(pair => pair.Key).Select(pair => $"{pair.Key}: {pair.Value}"))}";
        TestContext.Current.TestOutputHelper!.WriteLine(seen);
        Assert.True(total == expected.Count, seen);
        Assert.Equal(expected.Select(order => $"{order}").Order(StringComparer.Ordinal),
            processed.Select(order => $"{order}").Order(StringComparer.Ordinal));
        Assert.True(statuses.Where(pair => pair.Key >= 400).Sum(pair => pair.Value) >= requests * 10 / 14, seen);
        // otherwise the requests do not cover these answers
        Assert.All([202, 400, 413, 415], status => Assert.True(statuses.ContainsKey(status), seen));
    }
}
