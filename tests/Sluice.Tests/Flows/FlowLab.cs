using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A clock for services whose threads run as they like.</summary>
internal static class AdvancedClock
{
    /// <summary>Moves the clock on, second by second, until a task has ended, and awaits it.</summary>
    public static async Task AdvanceUntilAsync(this TestClock clock, Task task)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(FlowLab.Cancellation);
        patience.CancelAfter(FlowLab.Patience);
        while (!task.IsCompleted)
        {
            Assert.False(patience.IsCancellationRequested, "It does not end, however much time passes.");
            clock.Advance(TimeSpan.FromSeconds(1));
            for (int i = 0; i < 200 && !task.IsCompleted; i++) await Task.Yield();
        }
        await task;
    }
}

/// <summary>The store of a test, and the services on it. It collects their warnings.</summary>
internal sealed class FlowLab(IStreamStore inner) : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly List<Supervisor> services = [];
    private readonly List<string> warnings = [], details = [];
    private int names;

    public FlowLab() : this(new MemoryStreamStore()) { }

    public IStreamStore Store => inner;

    /// <summary>The warnings so far. Services may warn while a test looks at them.</summary>
    public List<string> Warnings => Copy(warnings);

    public List<string> Details => Copy(details);

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Another service on the store.</summary>
    public Supervisor Join(Func<SupervisorOptions, SupervisorOptions>? configure = null, IStreamStore? store = null)
    {
        var options = new SupervisorOptions
        {
            Name = $"service-{++names}",
            StopTimeout = Timeout.InfiniteTimeSpan,  // tests move the clock while a service stops
            OnWarning = text => Note(warnings, text),
            OnDetails = text => Note(details, text)
        };
        Supervisor service = Supervisor.Attach(store ?? Store, configure?.Invoke(options) ?? options);
        services.Add(service);
        return service;

        static void Note(List<string> texts, string text)
        {
            lock (texts) texts.Add(text);
        }
    }

    public static async Task<List<T>> ReadAsync<T>(IO<T> stream)
    {
        List<T> values = [];
        await foreach (T value in stream.StreamAsync(Cancellation)) values.Add(value);
        return values;
    }

    public static async IAsyncEnumerable<T> Many<T>(IEnumerable<T> values,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        foreach (T value in values)
        {
            cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
            yield return value;
        }
    }

    /// <summary>Waits until a condition holds. It is checked whenever the stream has changed.</summary>
    public async Task UntilAsync(string stream, Func<Task<bool>> isSo)
    {
        while (true)
        {
            long seen = await Store.WaitForChangeAsync(stream, -1, Cancellation);
            if (await isSo()) return;
            await Store.WaitForChangeAsync(stream, seen, Cancellation).AsTask().WaitAsync(Patience, Cancellation);
        }
    }

    /// <summary>Waits until no service works on a processor of a run. A deletion waits for that, too, but not for long.</summary>
    public Task UntilLeftAsync(string processor, string run, int parts = WorkGroup.Partitions)
        => UntilAsync($"work/{processor}", async () => (await Store.ListStateAsync(FlowNames.Hosts(processor),
            EntryKey.Of(run).PartitionOf(parts), WorkPartition.Node, cancellation: Cancellation)).Count == 0);

    public async ValueTask DisposeAsync()
    {
        foreach (Supervisor service in services) await service.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        await Store.DisposeAsync();
    }

    private static List<string> Copy(List<string> texts)
    {
        lock (texts) return [.. texts];
    }
}
