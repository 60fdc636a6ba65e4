using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>A host has one store, whatever else its services and the options of its consecutors say.</summary>
public sealed class HostStoreTests : StartMistakeTestBase
{
    private const string AnotherStore = "The services have an IStreamStore of their own (memory), which the host does not use. Do not "
        + "register it, but give it to the host: AddSluice(sluice => sluice.UseStore(_ => new(store))).";

    [Fact]
    public async Task OptionsThatCodeMakesAnewHaveTheStoreAndTheLogOfTheHost()
    {
        var store = new MemoryStreamStore();
        var log = new LogProbe();
        await using WebApplication app = Build(log, ["--urls=http://127.0.0.1:0"], static sluice => sluice
            .AddConsecutor<string>("texts", static (_, source) => source | Break,
                static _ => new() { Delivery = DeliveryGuarantee.Track(1) }),
            builder => builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(store))));
        await app.StartAsync(Cancellation);
        var texts = app.Services.GetRequiredService<Consecutor<string>>();
        await texts.SendAsync("a", Cancellation);
        await texts.WaitForIdleAsync(Cancellation);
        Assert.Same(store, texts.Store.Root);
        Assert.True(texts.HasStore);
        Assert.Equal(1, (await store.FindStreamAsync("texts", Cancellation))?.Appended);
        Assert.Contains(log.Lines, static line => line.Level == LogLevel.Warning
            && line.Text.Contains("no good", StringComparison.Ordinal));
        await app.StopAsync(Cancellation);
    }

    [Fact]
    public Task AStoreAmongTheServicesAheadOfSluiceIsOneLine()
        => IsAsync(2, AnotherStore, configure: static builder => builder.Services.Insert(0,
            ServiceDescriptor.Singleton<IStreamStore>(new MemoryStreamStore())));

    [Fact]
    public Task AStoreAmongTheServicesBehindSluiceIsOneLine()
        => IsAsync(2, AnotherStore, configure: static builder => builder.Services.AddSingleton<IStreamStore>(new MemoryStreamStore()));

    [Fact]
    public void AConfigurationThatIsAsyncVoidIsRefused()
    {
#pragma warning disable SLU002, VSTHRD101, AsyncFixer03 // that is what is refused: the host would start without the store
        Assert.Throws<ArgumentException>("configure", static () => new ServiceCollection().AddSluice(static async sluice =>
        {
            await Task.Yield();
            sluice.UseMemory();
        }));
#pragma warning restore SLU002, VSTHRD101, AsyncFixer03
    }

    private static void Break(string text) => throw new FormatException("no good");
}
