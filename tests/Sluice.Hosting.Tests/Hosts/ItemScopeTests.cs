using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Diagnostics;

namespace Sluice.Hosting.Tests;

/// <summary>Scoped services that fail: the item fails, and nothing is swallowed.</summary>
public class ItemScopeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void AServiceThatIsNotRegisteredIsReportedBeforeTheFirstItem()
    {
        using ServiceProvider services = new ServiceCollection().BuildServiceProvider();

        var failure = Assert.ThrowsAny<InvalidOperationException>(
            () => services.ForEachItem((Fragile _, int number, CancellationToken _) => Task.FromResult(number)));

        Assert.Contains("a service of the type Fragile, and none is registered", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServiceThatCannotBeMadeFailsTheItem()
        => Assert.Contains("TimeoutException: no connection", await FailureAsync(static () => throw new TimeoutException("no connection"),
            static () => { }, static () => { }), StringComparison.Ordinal);

    [Fact]
    public async Task AServiceThatFailsAtTheEndOfItsScopeFailsTheItem()
        => Assert.Contains("IOException: not flushed", await FailureAsync(static () => { }, static () => { },
            static () => throw new IOException("not flushed")), StringComparison.Ordinal);

    [Fact]
    public async Task AFailureOfTheFunctionIsNotHiddenByAFailureOfItsScope()
    {
        string failure = await FailureAsync(static () => { }, static () => throw new FormatException("no good"),
            static () => throw new IOException("not flushed"));
        Assert.Contains("no good", failure, StringComparison.Ordinal);
        Assert.Contains("not flushed", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFailureToMakeTheServiceIsNotHiddenByAFailureOfItsScope()
    {
        string failure = await FailureAsync(static () => throw new TimeoutException("no connection"), static () => { }, static () => { },
            static () => throw new IOException("not flushed"));
        Assert.Contains("no connection", failure, StringComparison.Ordinal);
        Assert.Contains("not flushed", failure, StringComparison.Ordinal);
    }

    // The second item, or the second batch, fails at its first attempt: that attempt has a scope of its own.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task EachAttemptAtAnItemOrABatchHasAScopeOfItsOwnThatEndsBeforeTheNextOneBegins(int batch)
    {
        List<string> log = [];
        int scopes = 0;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddScoped(_ =>
        {
            int number = ++scopes;
            log.Add($"begin {number}");
            return new Numbered(number, () => log.Add($"end {number}"));
        });
        bool hasFailed = false;
        builder.Services.AddSluice().AddConsecutor<int>("numbers", (services, source) => source.Chunk(batch) | Stage.Named("batches")
            | services.ForEachItem(async (Numbered service, int[] numbers, CancellationToken _) =>
            {
                await Task.Yield();
                log.Add($"{service.Number}: {string.Join(' ', numbers)}");
                if (numbers[0] == 1 || hasFailed) return;
                hasFailed = true;
                throw new FormatException("not yet");
            }), static options => options with
            {
                Stream = new() { Partitions = 1 },
                Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            });
        using IHost host = builder.Build();
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAllAsync([.. Enumerable.Range(1, 2 * batch)], Cancellation);
        await host.StartAsync(Cancellation);
        ConsecutorSnapshot now = await numbers.WaitForIdleAsync(Cancellation);
        await host.StopAsync(Cancellation);

        Assert.Equal(0, now.Dead);
        string first = batch == 1 ? "1" : "1 2", second = batch == 1 ? "2" : "3 4";
        Assert.Equal(["begin 1", $"1: {first}", "end 1", "begin 2", $"2: {second}", "end 2", "begin 3", $"3: {second}", "end 3"], log);
    }

    // Runs one item, and returns the text of its failure.
    private static async Task<string> FailureAsync(Action make, Action use, Action end, Action? endBefore = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        if (endBefore is not null) builder.Services.AddScoped(_ => new Numbered(0, endBefore));
        builder.Services.AddScoped(services =>
        {
            services.GetService<Numbered>();             // made before, and so disposed with the scope
            return new Fragile(make, end);
        });
        builder.Services.AddSluice().AddConsecutor<int>("numbers", (services, source) => source
            | services.ForEachItem((Fragile _, int _, CancellationToken _) =>
            {
                use();
                return Task.CompletedTask;
            }), static options => options with { Delivery = DeliveryGuarantee.Replay(0) });
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        var numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        ConsecutorSnapshot now = await numbers.WaitForIdleAsync(Cancellation);
        Assert.Equal(1, now.Dead);
        await host.StopAsync(Cancellation);
        return now.LastFailure!;
    }

    private sealed class Numbered(int number, Action end) : IDisposable
    {
        public int Number => number;

        public void Dispose() => end();
    }

    private sealed class Fragile : IAsyncDisposable
    {
        private readonly Action end;

        public Fragile(Action make, Action end)
        {
            this.end = end;
            make();
        }

        public ValueTask DisposeAsync()
        {
            end();
            return default;
        }
    }
}
