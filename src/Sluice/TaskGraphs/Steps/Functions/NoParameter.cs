using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A step of no argument: a call schedules it, and returns the future of its result.</summary>
public delegate Future<TResult> Step<TResult>();

/// <summary>A step of no argument without a result: a call schedules it, and returns the future of its end.</summary>
public delegate Future StepAction();

public static partial class Step
{
    /// <summary>Makes a step of a function.</summary>
    /// <param name="function">What it does: returns a value, a task, or nothing; given a token where it takes one, which is cancelled with the call, with its scope, and when a time limit is over.</param>
    /// <returns>The step: call it.</returns>
    public static Step<TResult> Of<TResult>(Func<TResult> function)
        => Make<TResult>(function, takesToken: false, (cancellation) => new(function()));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(4)]
    public static Step<TResult> Of<TResult>(Func<Task<TResult>> function)
        => Make<TResult>(function, takesToken: false, (cancellation) => TaskValues.Of(function()));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(3)]
    public static Step<TResult> Of<TResult>(Func<ValueTask<TResult>> function)
        => Make<TResult>(function, takesToken: false, (cancellation) => function());

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    public static Step<TResult> Of<TResult>(Func<CancellationToken, TResult> function)
        => Make<TResult>(function, takesToken: true, (cancellation) => new(function(cancellation)));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(4)]
    public static Step<TResult> Of<TResult>(Func<CancellationToken, Task<TResult>> function)
        => Make<TResult>(function, takesToken: true, (cancellation) => TaskValues.Of(function(cancellation)));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(3)]
    public static Step<TResult> Of<TResult>(Func<CancellationToken, ValueTask<TResult>> function)
        => Make<TResult>(function, takesToken: true, (cancellation) => function(cancellation));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(-1)]
    public static StepAction Of(Action function)
        => MakeAction(function, takesToken: false, (cancellation) =>
        {
            function();
            return default;
        });

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(2)]
    public static StepAction Of(Func<Task> function)
        => MakeAction(function, takesToken: false, (cancellation) => FunctionStep.End(function()));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(1)]
    public static StepAction Of(Func<ValueTask> function)
        => MakeAction(function, takesToken: false, (cancellation) => FunctionStep.End(function()));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(-1)]
    public static StepAction Of(Action<CancellationToken> function)
        => MakeAction(function, takesToken: true, (cancellation) =>
        {
            function(cancellation);
            return default;
        });

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(2)]
    public static StepAction Of(Func<CancellationToken, Task> function)
        => MakeAction(function, takesToken: true, (cancellation) => FunctionStep.End(function(cancellation)));

    /// <inheritdoc cref="Of{TResult}(Func{TResult})"/>
    [OverloadResolutionPriority(1)]
    public static StepAction Of(Func<CancellationToken, ValueTask> function)
        => MakeAction(function, takesToken: true, (cancellation) => FunctionStep.End(function(cancellation)));

    /// <summary>A step is a step already.</summary>
    /// <param name="step">Any.</param>
    /// <returns>The same.</returns>
    [OverloadResolutionPriority(-2)]
    public static Step<TResult> Of<TResult>(Step<TResult> step) => step ?? throw new ArgumentNullException(nameof(step));

    /// <inheritdoc cref="Of{TResult}(Step{TResult})"/>
    [OverloadResolutionPriority(-2)]
    public static StepAction Of(StepAction step) => step ?? throw new ArgumentNullException(nameof(step));

    private static Step<TResult> Make<TResult>(Delegate function, bool takesToken, Func<CancellationToken, ValueTask<TResult>> body)
        => FunctionStep.Make<Step<TResult>>(new FunctionStep<TResult>(FunctionStep.Define(function, takesToken), null, body));

    private static StepAction MakeAction(Delegate function, bool takesToken, Func<CancellationToken, ValueTask<Unit>> body)
        => FunctionStep.Make<StepAction>(new FunctionStep<Unit>(FunctionStep.Define(function, takesToken), null, body));
}

public static partial class StepOptions
{
    /// <summary>Waits for futures without taking their values. If one of them fails, the step does not run, and its call fails with that.</summary>
    /// <param name="step">A step.</param>
    /// <param name="futures">None is null.</param>
    public static Step<TResult> After<TResult>(this Step<TResult> step, params ReadOnlySpan<Future> futures) => Add(step, global::Sluice.After.Of(futures));

    /// <summary>Waits for futures without taking their values.</summary>
    /// <param name="step">A step.</param>
    /// <param name="futures">One, or several in brackets.</param>
    /// <param name="evenIfFailed">Whether it only waits for their end, however they end.</param>
    public static Step<TResult> After<TResult>(this Step<TResult> step, After futures, bool evenIfFailed) => Add(step, futures, evenIfFailed);

    /// <summary>Tries again when the step fails.</summary>
    /// <param name="step">A step.</param>
    /// <param name="retries">How often, beyond the first attempt; 0 or more.</param>
    /// <param name="backoff">The waits before the retries; none unless given.</param>
    public static Step<TResult> Retry<TResult>(this Step<TResult> step, int retries, Backoff? backoff = null) => Set(step, retries, backoff);

    /// <summary>
    /// Lets at most so many calls run at a time, in all scopes together: those of the step that is returned, and of what is made of that. One that its time limit has left behind counts until it has ended.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="maxConcurrency">1 or more.</param>
    public static Step<TResult> Limit<TResult>(this Step<TResult> step, int maxConcurrency) => Set(step, maxConcurrency);

    /// <summary>
    /// Lets an attempt that takes longer fail with a <see cref="TimeoutException"/>; its token is cancelled. Only what is awaited is cut short: a synchronous function cannot be stopped, and runs to its
    /// end, which then counts. An asynchronous one that does not heed its token is left behind, and goes on by itself; with a limit, it keeps its place until it has ended.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="limit">More than zero, 49 days at most.</param>
    public static Step<TResult> Timeout<TResult>(this Step<TResult> step, TimeSpan limit) => Set(step, limit);

    /// <summary>Names the step, for pictures and messages; otherwise it is called after its function.</summary>
    /// <param name="step">A step.</param>
    /// <param name="name">Not empty.</param>
    public static Step<TResult> Named<TResult>(this Step<TResult> step, string name) => Set(step, name);

    /// <summary>
    /// Says that the step is a function of its arguments, so that a call with the arguments of an earlier one in the same scope need not run: it has the result of that, and waits for it. Arguments are the same if
    /// <c>Equals</c> says so: arrays and lists only if they are one object. Failures are not kept: the next call runs. Outside of scopes every call runs.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="capacity">How many results are kept in a scope, 1 or more; beyond that the oldest is forgotten.</param>
    public static Step<TResult> Pure<TResult>(this Step<TResult> step, int capacity = 1000) => SetPure(step, capacity);

    /// <inheritdoc cref="After{TResult}(Step{TResult}, ReadOnlySpan{Future})"/>
    public static StepAction After(this StepAction step, params ReadOnlySpan<Future> futures) => Add(step, global::Sluice.After.Of(futures));

    /// <inheritdoc cref="After{TResult}(Step{TResult}, After, bool)"/>
    public static StepAction After(this StepAction step, After futures, bool evenIfFailed) => Add(step, futures, evenIfFailed);

    /// <inheritdoc cref="Retry{TResult}(Step{TResult}, int, Backoff)"/>
    public static StepAction Retry(this StepAction step, int retries, Backoff? backoff = null) => Set(step, retries, backoff);

    /// <inheritdoc cref="Limit{TResult}(Step{TResult}, int)"/>
    public static StepAction Limit(this StepAction step, int maxConcurrency) => Set(step, maxConcurrency);

    /// <inheritdoc cref="Timeout{TResult}(Step{TResult}, TimeSpan)"/>
    public static StepAction Timeout(this StepAction step, TimeSpan limit) => Set(step, limit);

    /// <inheritdoc cref="Named{TResult}(Step{TResult}, string)"/>
    public static StepAction Named(this StepAction step, string name) => Set(step, name);
}

/// <summary>A function of no argument.</summary>
internal sealed class FunctionStep<TResult>(StepDefinition definition, After? after, Func<CancellationToken, ValueTask<TResult>> body) : FunctionStep(definition, after)
{
    public Func<CancellationToken, ValueTask<TResult>> Body => body;

    public Future<TResult> Call() => new FunctionCall<TResult>(this).Start(After);

    public override Delegate ToDelegate() => typeof(TResult) == typeof(Unit) ? new StepAction(Call) : new Step<TResult>(Call);

    public override FunctionStep With(StepDefinition definition, After? after) => new FunctionStep<TResult>(definition, after, body);
}

/// <summary>A call of it.</summary>
internal sealed class FunctionCall<TResult>(FunctionStep<TResult> step) : StepCall<TResult>(step.Definition)
{
    protected override void Gather()
    {
        // nothing to wait for
    }

    protected override ValueTask<TResult> InvokeAsync(CancellationToken cancellation) => step.Body(cancellation);

    protected override void Forget()
    {
        // nothing to let go of
    }
}
