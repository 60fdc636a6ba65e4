using Microsoft.Extensions.Logging;

namespace Sluice.Hosting.Tests.Http;

/// <summary>The answers of an endpoint whose consecutor accepts nothing any more.</summary>
public sealed class EndedConsecutorTests
{
    private const string Item = """{"Id":"a","Quantity":1}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, true)]
    [InlineData("a-key", true)]
    [InlineData(null, false)]
    [InlineData("a-key", false)]
    public async Task ACompleteInputIsGoneForGood(string? key, bool isCompletedHere)
    {
        await using var stores = new Stores("memory");
        var store = await stores.OpenAsync();
        var log = new LogProbe();
        await using Service service = await Service.StartAsync(store, starts: isCompletedHere, log: log);
        Assert.Equal(202, (int)(await service.PostAsync(Item, key: "before")).StatusCode);
        if (isCompletedHere) await service.Orders.CompleteAsync(Cancellation);
        else
        {
            await using var other = new Consecutor<Order>("orders", static source => source | (static _ => { }),
                new() { Store = store, InstanceId = "other", Stream = new() { Partitions = 1 } });
            await other.CompleteAsync(Cancellation);
        }
        for (int i = 0; i < 2; i++)
        {
            HttpResponseMessage answer = await service.PostAsync(Item, key: key);
            Assert.Equal((410, null), ((int)answer.StatusCode, answer.Headers.RetryAfter));
            Assert.Contains("nothing was accepted", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }
        Assert.DoesNotContain(log.Lines, static line => line.Level >= LogLevel.Error);
        Assert.Equal(1, service.Orders.Snapshot().Accepted);
    }

    [Fact]
    public async Task AConsecutorThatHasStoppedAcceptsNothing()
    {
        await using var stores = new Stores("memory");
        var log = new LogProbe();
        await using Service service = await Service.StartAsync(await stores.OpenAsync(), log: log);
        await service.Orders.StopAsync(cancellation: Cancellation);
        HttpResponseMessage answer = await service.PostAsync(Item);
        Assert.Equal(503, (int)answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Contains("nothing was accepted", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain(log.Lines, static line => line.Level >= LogLevel.Error);
    }
}
