using System.Diagnostics;

namespace Sluice.Graphs;

/// <summary>A call of a step, which is also the future of its result. For code that <see cref="StepAttribute"/> generates.</summary>
/// <typeparam name="T">The type of the result.</typeparam>
/// <remarks>
/// Locking rule: none. A call counts the dependencies that have not ended; the thread that counts them down to zero makes it ready.
/// One exchange of its state decides whether it runs, fails with a dependency or is cancelled; the thread of that exchange continues alone.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract partial class StepCall<T> : Future<T>, ICall, IBody, IDependent
{
    private const int Waiting = 0;
    private const int Ready = 1;
    private const int Running = 2;
    private const int Ended = 3;

    private readonly StepDefinition definition;
    private readonly StepScope? scope;
    private ExecutionContext? flow;
    private CancellationTokenSource? stop;
    private Failure? failing;                        // before its start: its outcome; later: why its token is cancelled
    private LimitPermit? permit;                     // with a limit: of the attempt that has not begun, or of a body without retries
    private CallRecord? record;                      // only if the scope records
    private Activity? span;                          // only with tracing
    private ICall? before;
    private ICall? behind;
    private int state;
    private int pending = 1;                         // dependencies that have not ended, plus one for the begin
    private int awaits;                              // the known number of futures that its body awaits
    private bool hasEndedAtOnce;                     // of the body; written before other threads can see it

    /// <summary>Makes a call in the current scope.</summary>
    /// <param name="definition">The definition of the step.</param>
    protected StepCall(StepDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(definition);
        this.definition = definition;
        scope = StepScope.Current;
        flow = ExecutionContext.Capture();
    }

    /// <inheritdoc/>
    public sealed override string Name => definition.Name;

    /// <inheritdoc/>
    public sealed override FutureStatus Status => !IsCompleted && Volatile.Read(ref state) == Running ? FutureStatus.Running : base.Status;

    internal sealed override Failure? Cancelling => Volatile.Read(ref failing);

    private RunScheduler Scheduler => scope?.Scheduler ?? RunScheduler.ThreadPool;

    private LimitQueue? Line => scope is null ? definition.Places?.Alone : scope.LineOf(definition.Places);

    bool IDependent.IsOver => Volatile.Read(ref state) == Ended;

    RunScheduler ICall.Scheduler => Scheduler;

    StepScope? ICall.Scope => scope;

    CallRecord? ICall.Record => record;

    bool ICall.IsUnstarted => Volatile.Read(ref state) <= Ready;

    void ICall.CountAwaits(int change) => Interlocked.Add(ref awaits, change);

    internal sealed override bool MayWait => Volatile.Read(ref state) switch
    {
        Waiting => true,
        Running => Volatile.Read(ref awaits) > 0,
        _
        => false
    };

    bool ICall.IsRunning => Volatile.Read(ref state) == Running;

    ICall IBody.Call => this;

    LimitPermit? IBody.Permit => null;

    ICall? ICall.Before { get => before; set => before = value; }

    ICall? ICall.Behind { get => behind; set => behind = value; }

    /// <summary>Starts the call. Call it once.</summary>
    /// <param name="after">Further futures to wait for; null for none.</param>
    /// <returns>This call.</returns>
    /// <exception cref="ObjectDisposedException">The current scope is disposed.</exception>
    public Future<T> Start(After? after = null)
    {
        failing = scope?.Enter(this, definition, typeof(T), out record);
        if (Line is { } line) permit = new(this, line);
        Gather();
        if (after is not null)
            foreach (Future future in after.Futures) Wait(future);

        var released = new ReadyList(here: null);
        Failure? failed = failing;
        failing = null;
        if (failed is not null) TryEnd(failed, ref released);
        else if (Volatile.Read(ref pending) == 1 || Interlocked.Decrement(ref pending) == 0) BecomeReady(ref released);
        released.Spread();
        return this;
    }

    /// <summary>
    /// Passes the arguments to <see cref="Needs{TArg}(in Arg{TArg})"/>: at the start, and when the call ends without having run.
    /// </summary>
    protected abstract void Gather();

    /// <summary>Calls the function with the values of the arguments.</summary>
    protected abstract ValueTask<T> InvokeAsync(CancellationToken cancellation);

    /// <summary>Releases the arguments, and so the calls that led to them.</summary>
    protected abstract void Forget();

    /// <summary>Waits for an argument; after the end of the call, abandons it.</summary>
    protected void Needs<TArg>(in Arg<TArg> argument)
    {
        if (argument.Source is { } source) Wait(source);
        else if (record is not null && Volatile.Read(ref state) != Ended) record.Show(argument.Value);
    }

    /// <summary>Waits for the elements of an argument.</summary>
    protected void Needs<TArg>(in Args<TArg> arguments)
    {
        if (arguments.Whole is { } whole) Wait(whole);
        foreach (ref readonly Arg<TArg> argument in arguments.Items) Needs(argument);
    }

    /// <summary>The value of an argument.</summary>
    protected static TArg ValueOf<TArg>(in Arg<TArg> argument) => argument.Value;

    /// <summary>The values of an argument's elements.</summary>
    protected static TArg[] ValuesOf<TArg>(in Args<TArg> arguments) => arguments.Values;

    /// <summary>The values of an argument's elements, as the collection that the function takes.</summary>
    protected static TCollection ValuesOf<TCollection, TArg>(in Args<TArg> arguments) where TCollection : class
        => arguments.As<TCollection>();

    internal sealed override object? Origins => record;

    private void Wait(Future dependency)
    {
        if (Volatile.Read(ref state) == Ended)       // Gather is called again at the end: stop waiting
        {
            dependency.Abandon();
            return;
        }
        record?.DependOn(dependency);
        Interlocked.Increment(ref pending);
        if (dependency.TryAttach(this))
        {
            failing = Failure.Earlier(failing, dependency.Cancelling);
            return;
        }
        Interlocked.Decrement(ref pending);
        failing = Failure.Earlier(failing, dependency.Failure);
    }
}
