namespace Sluice;

/// <summary>What the parts of a supervisor share.</summary>
internal sealed class SupervisorCore : IDisposable
{
    private readonly IStreamStore store;
    private readonly SupervisorOptions options;
    private readonly CancellationTokenSource givingUp = new();
    private ITimer? lastWait;

    public SupervisorCore(IStreamStore store, SupervisorOptions options)
    {
        (this.store, this.options) = (store, options);
        Calls = new(store, options.Time, Warn, options.ReaderPatience) { GiveUp = givingUp.Token };
        Services = options.Services ?? ProcessorServices.None;
        Executor = options.Executor ?? LocalExecutor.Instance;
        Slots = new(options.Slots);
    }

    private readonly CancellationTokenSource life = new();

    public SupervisorOptions Options => options;

    public IStreamStore Store => store;

    public Insistence Calls { get; }

    public ProcessorServices Services { get; }

    public IExecutor Executor { get; }

    public ExecutionSlots Slots { get; }

    /// <summary>Ends when nothing may be done any more.</summary>
    public CancellationToken Life => life.Token;

    /// <summary>As if the process had died: nothing is ended or handed over.</summary>
    public bool IsAbandoned { get; private set; }

    /// <summary>What is not hosted here any more although it was registered; null if nothing.</summary>
    public string? Problem { get; set; }

    public Task AbandonAsync()
    {
        IsAbandoned = true;
        givingUp.Cancel();
        return EndAsync();
    }

    public void Warn(string text) => options.Warn?.Invoke(text);

    /// <summary>The service ends: a store that does not answer has a lease time to do so. Then others take over anyway.</summary>
    public void BeginToEnd() => lastWait = options.Time.CreateTimer(static core => ((SupervisorCore)core!).givingUp.Cancel(), this, options.LeaseTime, Timeout.InfiniteTimeSpan);

    public Task EndAsync() => life.CancelAsync();

    public void Dispose()
    {
        lastWait?.Dispose();
        life.Dispose();
        Slots.Dispose();
    }
}
