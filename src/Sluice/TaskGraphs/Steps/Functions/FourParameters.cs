using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>A step of four arguments: a call schedules it, and returns the future of its result.</summary>
/// <param name="first">A value, or the future of one.</param>
/// <param name="second">A value, or the future of one.</param>
/// <param name="third">A value, or the future of one.</param>
/// <param name="fourth">A value, or the future of one.</param>
public delegate Future<TResult> Step<T1, T2, T3, T4, TResult>(Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth);

/// <summary>A step of four arguments without a result: a call schedules it, and returns the future of its end.</summary>
/// <param name="first">A value, or the future of one.</param>
/// <param name="second">A value, or the future of one.</param>
/// <param name="third">A value, or the future of one.</param>
/// <param name="fourth">A value, or the future of one.</param>
public delegate Future StepAction<T1, T2, T3, T4>(Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth);

public static partial class Step
{
    /// <summary>Makes a step of a function.</summary>
    /// <param name="function">What it does: returns a value, a task, or nothing; given a token where it takes one, which is cancelled with the call, with its scope, and when a time limit is over.</param>
    /// <returns>The step: call it.</returns>
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: false, (first, second, third, fourth, cancellation) => new(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(4)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, Task<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: false, (first, second, third, fourth, cancellation) => TaskValues.Of(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(3)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, ValueTask<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: false, (first, second, third, fourth, cancellation) => function(first, second, third, fourth));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, CancellationToken, TResult> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: true, (first, second, third, fourth, cancellation) => new(function(first, second, third, fourth, cancellation)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(4)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, CancellationToken, Task<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: true, (first, second, third, fourth, cancellation) => TaskValues.Of(function(first, second, third, fourth, cancellation)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(3)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: true, (first, second, third, fourth, cancellation) => function(first, second, third, fourth, cancellation));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(-1)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Action<T1, T2, T3, T4> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: false, (first, second, third, fourth, cancellation) =>
        {
            function(first, second, third, fourth);
            return default;
        });

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(2)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Func<T1, T2, T3, T4, Task> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: false, (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(1)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Func<T1, T2, T3, T4, ValueTask> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: false, (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(-1)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Action<T1, T2, T3, T4, CancellationToken> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: true, (first, second, third, fourth, cancellation) =>
        {
            function(first, second, third, fourth, cancellation);
            return default;
        });

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(2)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Func<T1, T2, T3, T4, CancellationToken, Task> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: true, (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth, cancellation)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(1)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Func<T1, T2, T3, T4, CancellationToken, ValueTask> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: true, (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth, cancellation)));

    /// <summary>A step is a step already.</summary>
    /// <param name="step">Any.</param>
    /// <returns>The same.</returns>
    [OverloadResolutionPriority(-2)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Step<T1, T2, T3, T4, TResult> step) => step ?? throw new ArgumentNullException(nameof(step));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(-2)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(StepAction<T1, T2, T3, T4> step) => step ?? throw new ArgumentNullException(nameof(step));

    private static Step<T1, T2, T3, T4, TResult> Make<T1, T2, T3, T4, TResult>(Delegate function, bool takesToken, Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> body)
        => FunctionStep.Make<Step<T1, T2, T3, T4, TResult>>(new FunctionStep<T1, T2, T3, T4, TResult>(FunctionStep.Define(function, takesToken), null, body));

    private static StepAction<T1, T2, T3, T4> MakeAction<T1, T2, T3, T4>(Delegate function, bool takesToken, Func<T1, T2, T3, T4, CancellationToken, ValueTask<Unit>> body)
        => FunctionStep.Make<StepAction<T1, T2, T3, T4>>(new FunctionStep<T1, T2, T3, T4, Unit>(FunctionStep.Define(function, takesToken), null, body));
}

public static partial class StepOptions
{
    /// <summary>Waits for futures without taking their values. If one of them fails, the step does not run, and its call fails with that.</summary>
    /// <param name="step">A step.</param>
    /// <param name="futures">None is null.</param>
    public static Step<T1, T2, T3, T4, TResult> After<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, params ReadOnlySpan<Future> futures) => Add(step, global::Sluice.After.Of(futures));

    /// <summary>Waits for futures without taking their values.</summary>
    /// <param name="step">A step.</param>
    /// <param name="futures">One, or several in brackets.</param>
    /// <param name="evenIfFailed">Whether it only waits for their end, however they end.</param>
    public static Step<T1, T2, T3, T4, TResult> After<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, After futures, bool evenIfFailed) => Add(step, futures, evenIfFailed);

    /// <summary>Tries again when the step fails.</summary>
    /// <param name="step">A step.</param>
    /// <param name="retries">How often, beyond the first attempt; 0 or more.</param>
    /// <param name="backoff">The waits before the retries; none unless given.</param>
    public static Step<T1, T2, T3, T4, TResult> Retry<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, int retries, Backoff? backoff = null) => Set(step, retries, backoff);

    /// <summary>
    /// Lets at most so many calls run at a time, in all scopes together: those of the step that is returned, and of what is made of that. One that its time limit has left behind counts until it has ended.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="maxConcurrency">1 or more.</param>
    public static Step<T1, T2, T3, T4, TResult> Limit<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, int maxConcurrency) => Set(step, maxConcurrency);

    /// <summary>
    /// Lets an attempt that takes longer fail with a <see cref="TimeoutException"/>; its token is cancelled. Only what is awaited is cut short: a synchronous function cannot be stopped, and runs to its
    /// end, which then counts. An asynchronous one that does not heed its token is left behind, and goes on by itself; with a limit, it keeps its place until it has ended.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="limit">More than zero, 49 days at most.</param>
    public static Step<T1, T2, T3, T4, TResult> Timeout<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, TimeSpan limit) => Set(step, limit);

    /// <summary>Names the step, for pictures and messages; otherwise it is called after its function.</summary>
    /// <param name="step">A step.</param>
    /// <param name="name">Not empty.</param>
    public static Step<T1, T2, T3, T4, TResult> Named<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, string name) => Set(step, name);

    /// <inheritdoc cref="Pure{TResult}(Step{TResult}, int)"/>
    public static Step<T1, T2, T3, T4, TResult> Pure<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, int capacity = 1000) => SetPure(step, capacity);

    /// <inheritdoc cref="After{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, ReadOnlySpan{Future})"/>
    public static StepAction<T1, T2, T3, T4> After<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, params ReadOnlySpan<Future> futures) => Add(step, global::Sluice.After.Of(futures));

    /// <inheritdoc cref="After{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, After, bool)"/>
    public static StepAction<T1, T2, T3, T4> After<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, After futures, bool evenIfFailed) => Add(step, futures, evenIfFailed);

    /// <inheritdoc cref="Retry{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, int, Backoff)"/>
    public static StepAction<T1, T2, T3, T4> Retry<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, int retries, Backoff? backoff = null) => Set(step, retries, backoff);

    /// <inheritdoc cref="Limit{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, int)"/>
    public static StepAction<T1, T2, T3, T4> Limit<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, int maxConcurrency) => Set(step, maxConcurrency);

    /// <inheritdoc cref="Timeout{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, TimeSpan)"/>
    public static StepAction<T1, T2, T3, T4> Timeout<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, TimeSpan limit) => Set(step, limit);

    /// <inheritdoc cref="Named{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, string)"/>
    public static StepAction<T1, T2, T3, T4> Named<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, string name) => Set(step, name);
}

/// <summary>A function of four arguments.</summary>
internal sealed class FunctionStep<T1, T2, T3, T4, TResult>(StepDefinition definition, After? after, Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> body) : FunctionStep(definition, after)
{
    public Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> Body => body;

    public Future<TResult> Call(Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth) => new FunctionCall<T1, T2, T3, T4, TResult>(this, first, second, third, fourth).Start(After);

    public override Delegate ToDelegate() => typeof(TResult) == typeof(Unit) ? new StepAction<T1, T2, T3, T4>(Call) : new Step<T1, T2, T3, T4, TResult>(Call);

    public override FunctionStep With(StepDefinition definition, After? after) => new FunctionStep<T1, T2, T3, T4, TResult>(definition, after, body);
}

/// <summary>A call of it.</summary>
internal sealed class FunctionCall<T1, T2, T3, T4, TResult>(FunctionStep<T1, T2, T3, T4, TResult> step, Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth) : StepCall<TResult>(step.Definition)
{
    private Arg<T1> firstArgument = first;
    private Arg<T2> secondArgument = second;
    private Arg<T3> thirdArgument = third;
    private Arg<T4> fourthArgument = fourth;

    protected override void Gather()
    {
        Needs(firstArgument);
        Needs(secondArgument);
        Needs(thirdArgument);
        Needs(fourthArgument);
    }

    protected override ValueTask<TResult> InvokeAsync(CancellationToken cancellation) => step.Body(firstArgument.Value, secondArgument.Value, thirdArgument.Value, fourthArgument.Value, cancellation);

    protected override object? ArgumentsKey() => (firstArgument.Value, secondArgument.Value, thirdArgument.Value, fourthArgument.Value);

    protected override void Forget() => (firstArgument, secondArgument, thirdArgument, fourthArgument) = (default, default, default, default);
}
