using System.ComponentModel;
using System.Diagnostics;

namespace Sluice;

/// <summary>A call of a step, which is also the future of its result. Derived from by the code that <see cref="StepAttribute"/> writes; nobody else needs it.</summary>
/// <typeparam name="T">The result.</typeparam>
/// <remarks>
/// Locking rule: none. A call waits until as many dependencies have ended as it has counted; whoever counts them down to zero makes it ready. Whether it runs, fails with a dependency or is
/// cancelled is decided by one exchange of its state; whoever has made that exchange goes on with it alone.
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
    private Failure? failing;                        // until it has begun: with what it will end; then why its token is cancelled
    private LimitPermit? seat;                              // only where there is a limit; of the attempt that has not begun, or of the body that is not tried again
    private CallRecord? record;                      // only where the scope records
    private Activity? span;                          // only where somebody traces
    private ICall? before;
    private ICall? behind;
    private int state;
    private int pending = 1;                         // dependencies that have not ended, and the beginning
    private int awaits;                              // how many futures its body awaits, as far as that is known
    private bool hasEndedAtOnce;                     // the body: written before anybody else can know of it

    /// <summary>Makes a call in the scope that is current.</summary>
    /// <param name="definition">The step.</param>
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

    internal sealed override bool MayWait => Volatile.Read(ref state) switch { Waiting => true, Running => Volatile.Read(ref awaits) > 0, _ => false };

    bool ICall.IsRunning => Volatile.Read(ref state) == Running;

    ICall IBody.Call => this;

    LimitPermit? IBody.Seat => null;

    ICall? ICall.Before { get => before; set => before = value; }

    ICall? ICall.Behind { get => behind; set => behind = value; }

    /// <summary>Schedules the call: called once, by whoever made it.</summary>
    /// <param name="after">What else to wait for; null for nothing.</param>
    /// <returns>The call.</returns>
    /// <exception cref="ObjectDisposedException">The current scope is over.</exception>
    public Future<T> Start(After? after = null)
    {
        failing = scope?.Enter(this, definition, typeof(T), out record);
        if (Line is { } line) seat = new(this, line);
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

    /// <summary>Names the arguments, by <see cref="Needs{TArg}(in Arg{TArg})"/>: when the call is made, and when it ends without having run.</summary>
    protected abstract void Gather();

    /// <summary>Calls the function, with the values of the arguments.</summary>
    protected abstract ValueTask<T> InvokeAsync(CancellationToken cancellation);

    /// <summary>Lets go of the arguments, and thereby of all that has led to them.</summary>
    protected abstract void Forget();

    /// <summary>Waits for an argument; or, when the call has ended, does so no more.</summary>
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
    protected static TCollection ValuesOf<TCollection, TArg>(in Args<TArg> arguments) where TCollection : class => arguments.As<TCollection>();

    internal sealed override object? Origins => record;

    private void Wait(Future dependency)
    {
        if (Volatile.Read(ref state) == Ended)       // it is asked for what it does not wait for any more
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
