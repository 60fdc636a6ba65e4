using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.Diagnostics;
using Sluice.Hosting.Tests.Http;
using Sluice.Storage;

namespace Sluice.Hosting.Tests;

/// <summary>Hosts that are disposed without a stop, for example because another service has failed to start.</summary>
[Collection("the exit code of this process")]
public sealed class DisposedHostTests : IDisposable
{
    // In real time: only a call that hangs takes that long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly LogProbe log = new();
    private readonly TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int held;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => log.Dispose();

    [Fact]
    public async Task AHostThatIsDisposedWithoutAStopStopsItsUnitsFirst()
    {
        ConcurrentQueue<int> seen = [];
        IHost host = Build(sluice => sluice
            .AddProducer<int>("numbers", _ => Source.From(NumbersAsync()))
            .AddConsecutor<int>("numbers", (_, source) => source | seen.Enqueue));
        await host.StartAsync(Cancellation);
        while (seen.Count < 3) await Task.Yield();
        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        // Each unit says how it has stopped, on a busy machine perhaps after the disposal.
        while (Units().Count() < 4) await Task.Yield();
        Assert.DoesNotContain(log.Lines, static line => line.Level >= LogLevel.Error);
        Assert.Equal(["Started the consecutor numbers", "Started a producer of numbers"], Units().Take(2));
        Assert.Equal(["Stopped a producer of numbers", "Stopped the consecutor numbers"], Units().Skip(2).Order());    // at once

        async IAsyncEnumerable<int> NumbersAsync()
        {
            for (int i = 0; ; i++)
            {
                yield return i;
                if (i == 3) await release.Task;
            }
        }
    }

    /// <summary>The container opens no scope any more, and disposes what it made last before it stops the units.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnItemThatBeginsInADisposedContainerGoesBackUncharged(bool isConfirmed)
    {
        Consecutor<int> numbers = null!;
        IHost host = Build(sluice =>
        {
            sluice.Services.AddSingleton(_ => new MadeLate(async () =>
            {
                await numbers.SendAsync(2, Cancellation);
                while (numbers.Snapshot() is { Completed: 1, Dead: 0, Status: not ConsecutorStatus.Stopped }) await Task.Yield();
            }));
            return sluice.AddConsecutor<int>("numbers", static (services, source) => source
                | services.ForEachItem(static (MadeLate late, int number, CancellationToken token) => Task.FromResult(number))
                | (static _ => { }), options => options with
                {
                    Delivery = isConfirmed ? DeliveryGuarantee.Confirm : DeliveryGuarantee.Replay(0)
                });
        });
        await host.StartAsync(Cancellation);
        numbers = host.Services.GetRequiredService<Consecutor<int>>();
        await numbers.SendAsync(1, Cancellation);
        await numbers.WaitForIdleAsync(Cancellation);
        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        Assert.DoesNotContain(log.Lines, static line => line.Level >= LogLevel.Error);
        Assert.Equal((1L, 0L), (numbers.Snapshot().Completed, numbers.Snapshot().Dead));
    }

    /// <summary>A call from elsewhere fails, and does not wait for a token that nobody cancels.</summary>
    [Fact]
    public async Task ACallThatIsNoneOfAUnitFails()
    {
        IHost host = Build(static sluice => sluice.AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { })));
        await host.StartAsync(Cancellation);
        var call = host.Services.ForEachItem(static (LogProbe probe, int number, CancellationToken token) => Task.FromResult(number));
        await ((IAsyncDisposable)host).DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call(1, Cancellation).WaitAsync(Patience, Cancellation));
    }

    /// <summary>The code of one unit does not heed its token before the other unit is told to stop.</summary>
    [Fact]
    public async Task AllUnitsStopAtOnce()
    {
        IHost host = Build(sluice => sluice
            .AddConsecutor<string>("second", (_, source) => source | (async (string text, CancellationToken token) =>
            {
                Interlocked.Increment(ref held);
                try
                {
                    await Task.Delay(Timeout.Infinite, token);
                }
                finally
                {
                    release.SetResult();
                }
            }))
            .AddConsecutor<int>("first", (_, source) => source | (async (int number, CancellationToken token) =>
            {
                Interlocked.Increment(ref held);
                await release.Task;
            })));
        await host.StartAsync(Cancellation);
        await host.Services.GetRequiredKeyedService<Consecutor<string>>("second").SendAsync("a", Cancellation);
        await host.Services.GetRequiredKeyedService<Consecutor<int>>("first").SendAsync(1, Cancellation);
        while (Volatile.Read(ref held) < 2) await Task.Yield();
        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        Assert.DoesNotContain(log.Lines, static line => line.Text.Contains("did not stop in its time", StringComparison.Ordinal));
    }

    private IEnumerable<string> Units() => log.Lines.Select(static line => line.Text.Split(':')[0].Split(" before ")[0])
        .Where(static line => line.StartsWith("Started", StringComparison.Ordinal) || line.StartsWith("Stopped", StringComparison.Ordinal));

    private IHost Build(Func<SluiceBuilder, SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Logging.AddProvider(log).AddFilter("Microsoft", LogLevel.None);
        builder.Services.AddSingleton(log);
        add(builder.Services.AddSluice(static sluice => sluice.UseStore(static _ => new(new MemoryStreamStore()))));
        return builder.Build();
    }

    /// <summary>A service that an item is the first to ask for.</summary>
    private sealed class MadeLate(Func<Task> disposing) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await disposing();
    }
}
