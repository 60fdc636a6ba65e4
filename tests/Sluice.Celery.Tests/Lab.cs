using System.Runtime.CompilerServices;

namespace Sluice.Celery.Tests;

/// <summary>A service with a processor <c>copy</c> (line → copy) in a Celery worker.</summary>
internal sealed class Lab : IAsyncDisposable
{
    private readonly MemoryStreamStore store;
    private readonly SemaphoreSlim news = new(0);

    private readonly Lab? first;

    public Lab(IExecutor executor, Func<Processor, Processor>? configure = null, int maxStarts = 5,
        Func<SupervisorOptions, SupervisorOptions>? options = null) : this(executor, configure, maxStarts, null, options)
    { }

    private Lab(IExecutor? executor, Func<Processor, Processor>? configure, int maxStarts, Lab? first,
        Func<SupervisorOptions, SupervisorOptions>? options = null)
    {
        (this.first, store) = (first, first?.store ?? new());
        Copy = configure?.Invoke(Copy) ?? Copy;
        var settings = new SupervisorOptions { Name = first is null ? "first" : "second", MaxStarts = maxStarts, OnWarning = Note };
        Service = Supervisor.Attach(store, options?.Invoke(settings) ?? settings);
        if (executor is not null) Service.Register(Copy, executor);
    }

    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(2);

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Processor Copy { get; } = NewCopy();

    public Supervisor Service { get; }

    public List<string> Warnings { get; } = [];

    /// <summary>The function of the processor, in C#.</summary>
    public ProcessorFunctions Functions => new() { { Copy, CopyAsync } };

    public static Processor NewCopy() => new("copy") { Inputs = ["line"], Outputs = ["copy"], Resume = ResumeMode.PerItem };

    /// <summary>Another service on the same store, which does not host the processor yet; dispose it first.</summary>
    public Lab Beside() => new(null, null, 5, this);

    public void Note(string text)
    {
        lock (Warnings) Warnings.Add(text);
        news.Release();
    }

    /// <summary>Waits for a warning.</summary>
    public async Task<string> WarnedAsync(string text)
    {
        while (true)
        {
            lock (Warnings)
                if (Warnings.Find(one => one.Contains(text, StringComparison.Ordinal)) is { } found) return found;
            await news.WaitAsync(Cancellation);
        }
    }

    public Task<FlowRun> StartAsync(IEnumerable<string> lines, string run = "run") => StartAsync(Many(lines), run);

    public async Task<FlowRun> StartAsync(IAsyncEnumerable<string> lines, string run = "run")
        => await Service.StartAsync(Flow.From(Copy).Resolve(), [IOVal.Stream("line", lines)], run: run, cancellation: Cancellation);

    public static async Task<List<string>> ReadAsync(FlowRun run)
    {
        List<string> copies = [];
        await foreach (string copy in run.Output<string>("copy").StreamAsync(Cancellation)) copies.Add(copy);
        await run.Completion.WaitAsync(Patience, Cancellation);
        return copies;
    }

    public static async Task<string> FailureAsync(FlowRun run)
        => (await Assert.ThrowsAsync<FlowException>(() => run.Completion.WaitAsync(Patience, Cancellation))).Message;

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync().AsTask().WaitAsync(Patience);
        if (first is null) await store.DisposeAsync();
    }

    private static async IAsyncEnumerable<string> Many(IEnumerable<string> values)
    {
        foreach (string value in values)
        {
            await Task.Yield();
            yield return value;
        }
    }

    private static async IAsyncEnumerable<IOVal> CopyAsync(IO<string> line, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (string text in line.StreamAsync(cancellation)) yield return IOVal.Of("copy", text);
    }
}
