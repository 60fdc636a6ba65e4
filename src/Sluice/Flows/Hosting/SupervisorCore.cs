namespace Sluice;

/// <summary>What the parts of a supervisor share.</summary>
internal sealed class SupervisorCore(IStreamStore store, SupervisorOptions options) : IDisposable
{
    private readonly CancellationTokenSource life = new();

    public SupervisorOptions Options => options;

    public IStreamStore Store => store;

    public Insistence Calls { get; } = new(store, options.Time, text => options.Warn?.Invoke(text), options.ReaderPatience);

    public ProcessorServices Services { get; } = options.Services ?? ProcessorServices.None;

    public IExecutor Executor { get; } = options.Executor ?? LocalExecutor.Instance;

    public ExecutionSlots Slots { get; } = new(options.Slots);

    /// <summary>Ends when nothing may be done any more.</summary>
    public CancellationToken Life => life.Token;

    public void Warn(string text) => options.Warn?.Invoke(text);

    public Task EndAsync() => life.CancelAsync();

    public void Dispose()
    {
        life.Dispose();
        Slots.Dispose();
    }
}
