namespace Sluice.Flows;

/// <summary>The function of a processor whose asynchronous flow of control this is: it must not wait for itself.</summary>
/// <remarks>Thread-safe. Work that a function leaves behind is outside of it when the function has ended.</remarks>
internal sealed class CallingFunction : IDisposable
{
    private static readonly AsyncLocal<CallingFunction?> Ambient = new();

    private readonly object host;                    // the supervisor of the function
    private readonly string run;
    private readonly ProcessorPlan processor;
    private volatile bool hasEnded;

    private CallingFunction(object host, string run, ProcessorPlan processor)
        => (this.host, this.run, this.processor) = (host, run, processor);

    /// <summary>Begins a function in the caller's asynchronous flow of control.</summary>
    public static CallingFunction Begin(object host, string run, ProcessorPlan processor)
        => Ambient.Value = new(host, run, processor);

    /// <summary>Whether the caller is a function that the supervisor hosts.</summary>
    public static bool IsOf(object host) => Ambient.Value is { hasEnded: false } function && function.host == host;

    /// <summary>Continues it in another flow of control.</summary>
    public void Enter() => Ambient.Value = this;

    public void Dispose() => hasEnded = true;

    /// <exception cref="InvalidOperationException">The caller is a function of this run.</exception>
    public static void CheckWait(string run)
    {
        if (Of(run) is { } processor)
            throw new InvalidOperationException($"The processor {processor.Name} awaits the completion of its own run {run}, which cannot "
                + "end before this processor. Await it outside of the run's processors, or let the function return.");
    }

    /// <exception cref="InvalidOperationException">The caller is the function that writes this stream.</exception>
    public static void CheckRead(string run, string stream)
    {
        if (Of(run) is { } processor && processor.Outputs.Contains(stream))
            throw new InvalidOperationException($"The processor {processor.Name} reads its own output {stream} of the run {run}, and would "
                + "wait for values that it has not put out yet. Read it outside of the processor, or keep the values in a variable.");
    }

    private static ProcessorPlan? Of(string run)
        => Ambient.Value is { hasEnded: false } function && function.run == run ? function.processor : null;
}
