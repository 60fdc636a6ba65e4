using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>A call before the start opens the store, and the host is disposed meanwhile.</summary>
public sealed class LateStoreTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStoreThatOpensAfterTheDisposalIsDisposed(bool takesItsToken)
    {
        var opening = new TaskCompletionSource<IStreamStore>(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new Watched();
        int openings = 0;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice(sluice => sluice.UseStore(cancellation =>
        {
            openings++;
            return new(opening.Task.WaitAsync(takesItsToken ? cancellation : CancellationToken.None));
        }));
        Task early, second;
        using (IHost host = builder.Build())
        {
            var ofHost = host.Services.GetRequiredService<IStreamStore>();
            early = ofHost.FindStreamAsync("orders", Cancellation).AsTask();
            second = ofHost.FindStreamAsync("orders", Cancellation).AsTask();
        }
        if (!takesItsToken) opening.SetResult(store);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => early);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second);
        Assert.Equal((1, takesItsToken ? 0 : 1), (openings, store.Disposals));
    }

    [Fact]
    public async Task ACallAfterTheDisposalOpensNoStoreAndSaysWhy()
    {
        int openings = 0;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice(sluice => sluice.UseStore(_ =>
        {
            openings++;
            return new(new Watched());
        }));
        IStreamStore ofHost;
        using (IHost host = builder.Build()) ofHost = host.Services.GetRequiredService<IStreamStore>();
        var late = await Assert.ThrowsAsync<ObjectDisposedException>(() => ofHost.FindStreamAsync("orders", Cancellation).AsTask());
        Assert.Equal((0, "The host was disposed before its store was open."), (openings, late.Message));
    }

    [Fact]
    public async Task AStoreThatWasOpenedEarlyIsDisposedOnce()
    {
        var store = new Watched();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSluice(sluice => sluice.UseStore(_ => new(store)));
        using (IHost host = builder.Build())
            Assert.Null(await host.Services.GetRequiredService<IStreamStore>().FindStreamAsync("orders", Cancellation));
        Assert.Equal(1, store.Disposals);
    }

    private sealed class Watched() : StreamStoreWrapper(new MemoryStreamStore())
    {
        public int Disposals { get; private set; }

        public override ValueTask DisposeAsync()
        {
            Disposals++;
            return base.DisposeAsync();
        }
    }
}
