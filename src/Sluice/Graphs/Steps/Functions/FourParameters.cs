namespace Sluice.Graphs;

/// <summary>A step of four arguments: a call schedules it and returns the future of its result.</summary>
/// <param name="first">A value, or the future of one.</param>
/// <param name="second">A value, or the future of one.</param>
/// <param name="third">A value, or the future of one.</param>
/// <param name="fourth">A value, or the future of one.</param>
public delegate Future<TResult> Step<T1, T2, T3, T4, TResult>(Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth);

/// <summary>A step of four arguments without a result: a call schedules it and returns the future of its end.</summary>
/// <param name="first">A value, or the future of one.</param>
/// <param name="second">A value, or the future of one.</param>
/// <param name="third">A value, or the future of one.</param>
/// <param name="fourth">A value, or the future of one.</param>
public delegate Future StepAction<T1, T2, T3, T4>(Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth);

[AlsoWithFewer(downTo: 0)]
public static partial class Step
{
    /// <summary>Makes a step of a function: each call of the step runs the function once its arguments have values.</summary>
    /// <param name="function">
    /// The function: it returns a value, a task, or nothing. If it takes a token, the token is cancelled with the call, with its scope, and
    /// when a time limit is over.
    /// </param>
    /// <returns>The step. Call it like a method.</returns>
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, TResult> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: false,
        (first, second, third, fourth, cancellation) => new(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(4)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, Task<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: false,
        (first, second, third, fourth, cancellation) => TaskValues.Of(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(3)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, ValueTask<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: false,
        (first, second, third, fourth, cancellation) => function(first, second, third, fourth));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, CancellationToken, TResult> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: true,
        (first, second, third, fourth, cancellation) => new(function(first, second, third, fourth, cancellation)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(4)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Func<T1, T2, T3, T4, CancellationToken, Task<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: true,
        (first, second, third, fourth, cancellation) => TaskValues.Of(function(first, second, third, fourth, cancellation)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(3)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4,
        TResult>(Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> function)
        => Make<T1, T2, T3, T4, TResult>(function, takesToken: true,
        (first, second, third, fourth, cancellation) => function(first, second, third, fourth, cancellation));

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
        => MakeAction<T1, T2, T3, T4>(function, takesToken: false,
        (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(1)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Func<T1, T2, T3, T4, ValueTask> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: false,
        (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth)));

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
        => MakeAction<T1, T2, T3, T4>(function, takesToken: true,
        (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth, cancellation)));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Func{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(1)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(Func<T1, T2, T3, T4, CancellationToken, ValueTask> function)
        => MakeAction<T1, T2, T3, T4>(function, takesToken: true,
        (first, second, third, fourth, cancellation) => FunctionStep.End(function(first, second, third, fourth, cancellation)));

    /// <summary>Returns the step itself, so that code that makes steps takes a step too.</summary>
    /// <param name="step">A step.</param>
    /// <returns><paramref name="step"/>.</returns>
    [OverloadResolutionPriority(-2)]
    public static Step<T1, T2, T3, T4, TResult> Of<T1, T2, T3, T4, TResult>(Step<T1, T2, T3, T4, TResult> step)
        => step ?? throw new ArgumentNullException(nameof(step));

    /// <inheritdoc cref="Of{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult})"/>
    [OverloadResolutionPriority(-2)]
    public static StepAction<T1, T2, T3, T4> Of<T1, T2, T3, T4>(StepAction<T1, T2, T3, T4> step)
        => step ?? throw new ArgumentNullException(nameof(step));

    private static Step<T1, T2, T3, T4, TResult> Make<T1, T2, T3, T4, TResult>(Delegate function, bool takesToken,
        Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> body)
        => FunctionStep.Make<Step<T1, T2, T3, T4, TResult>>(
        new FunctionStep<T1, T2, T3, T4, TResult>(FunctionStep.Define(function, takesToken), null, body));

    private static StepAction<T1, T2, T3, T4> MakeAction<T1, T2, T3, T4>(Delegate function, bool takesToken,
        Func<T1, T2, T3, T4, CancellationToken, ValueTask<Unit>> body)
        => FunctionStep.Make<StepAction<T1, T2, T3, T4>>(new FunctionStep<T1, T2, T3, T4, Unit>(FunctionStep.Define(function, takesToken),
        null, body));
}

public static partial class StepOptions
{
    /// <summary>Lets each call wait for futures whose values it does not take. If one of them fails, the step does not run, and its call
    /// fails with the same error.</summary>
    /// <param name="step">A step.</param>
    /// <param name="futures">The futures; none of them is null.</param>
    public static Step<T1, T2, T3, T4, TResult> After<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step,
        params ReadOnlySpan<Future> futures) => Add(step, global::Sluice.Graphs.After.Of(futures));

    /// <summary>Lets each call wait for futures whose values it does not take.</summary>
    /// <param name="step">A step.</param>
    /// <param name="futures">One future, or several in brackets.</param>
    /// <param name="evenIfFailed">True: the step also runs if the futures have failed.</param>
    public static Step<T1, T2, T3, T4, TResult> After<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, After futures,
        bool evenIfFailed) => Add(step, futures, evenIfFailed);

    /// <summary>Runs the step again when it fails.</summary>
    /// <param name="step">A step.</param>
    /// <param name="retries">The number of attempts after the first one; 0 or more.</param>
    /// <param name="backoff">The waits before the retries; by default there are none.</param>
    public static Step<T1, T2, T3, T4, TResult> Retry<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, int retries,
        Backoff? backoff = null) => Set(step, retries, backoff);

    /// <summary>
    /// Limits how many calls run at a time. The limit counts the calls in all scopes, of the returned step and of the steps that are made
    /// from it. A call that has exceeded its time limit counts until its
    /// function has ended.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="maxConcurrency">1 or more.</param>
    public static Step<T1, T2, T3, T4, TResult> Limit<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, int maxConcurrency)
        => Set(step, maxConcurrency);

    /// <summary>
    /// Lets an attempt that takes longer fail with a <see cref="TimeoutException"/> and cancels its token. A synchronous function cannot be
    /// stopped: the attempt fails when the function returns, if that is too late. A step with retries then runs it again. An asynchronous
    /// function that ignores its token goes on in the background; if the step has a limit of calls, the function counts until it has ended.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="limit">More than zero, 49 days at most.</param>
    public static Step<T1, T2, T3, T4, TResult> Timeout<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, TimeSpan limit)
        => Set(step, limit);

    /// <summary>Names the step in drawings and messages. By default a step has the name of its function.</summary>
    /// <param name="step">A step.</param>
    /// <param name="name">The name; not empty.</param>
    public static Step<T1, T2, T3, T4, TResult> Named<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, string name)
        => Set(step, name);

    /// <summary>
    /// Declares that equal arguments give equal results. In a scope, a call with the arguments of an earlier call takes the result of that
    /// call instead of running. <c>Equals</c> compares the arguments, so two
    /// arrays or lists are equal only if they are one object. Failures are not kept: the next call runs. Outside of scopes every call runs.
    /// </summary>
    /// <param name="step">A step.</param>
    /// <param name="capacity">The number of results that a scope keeps, 1 or more. Beyond it the scope forgets the oldest result.</param>
    public static Step<T1, T2, T3, T4, TResult> Pure<T1, T2, T3, T4, TResult>(this Step<T1, T2, T3, T4, TResult> step, int capacity = 1000)
        => SetPure(step, capacity);

    /// <inheritdoc cref="After{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, ReadOnlySpan{Future})"/>
    public static StepAction<T1, T2, T3, T4> After<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step,
        params ReadOnlySpan<Future> futures) => Add(step, global::Sluice.Graphs.After.Of(futures));

    /// <inheritdoc cref="After{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, After, bool)"/>
    public static StepAction<T1, T2, T3, T4> After<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, After futures, bool evenIfFailed)
        => Add(step, futures, evenIfFailed);

    /// <inheritdoc cref="Retry{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, int, Backoff)"/>
    public static StepAction<T1, T2, T3, T4> Retry<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, int retries,
        Backoff? backoff = null) => Set(step, retries, backoff);

    /// <inheritdoc cref="Limit{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, int)"/>
    public static StepAction<T1, T2, T3, T4> Limit<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, int maxConcurrency)
        => Set(step, maxConcurrency);

    /// <inheritdoc cref="Timeout{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, TimeSpan)"/>
    public static StepAction<T1, T2, T3, T4> Timeout<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, TimeSpan limit)
        => Set(step, limit);

    /// <inheritdoc cref="Named{T1, T2, T3, T4, TResult}(Step{T1, T2, T3, T4, TResult}, string)"/>
    public static StepAction<T1, T2, T3, T4> Named<T1, T2, T3, T4>(this StepAction<T1, T2, T3, T4> step, string name) => Set(step, name);
}

/// <summary>A function of four arguments.</summary>
internal sealed class FunctionStep<T1, T2, T3, T4, TResult>(StepDefinition definition, After? after,
    Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> body) : FunctionStep(definition, after)
{
    public Func<T1, T2, T3, T4, CancellationToken, ValueTask<TResult>> Body => body;

    public Future<TResult> Call(Arg<T1> first, Arg<T2> second, Arg<T3> third, Arg<T4> fourth)
        => new FunctionCall<T1, T2, T3, T4, TResult>(this, first, second, third, fourth).Start(After);

    public override Delegate ToDelegate(bool showsUnit) => typeof(TResult) == typeof(Unit) && !showsUnit
        ? new StepAction<T1, T2, T3, T4>(Call) : new Step<T1, T2, T3, T4, TResult>(Call);

    public override FunctionStep With(StepDefinition definition, After? after)
        => new FunctionStep<T1, T2, T3, T4, TResult>(definition, after, body);
}

/// <summary>A call of a function of four arguments.</summary>
internal sealed class FunctionCall<T1, T2, T3, T4, TResult>(FunctionStep<T1, T2, T3, T4, TResult> step, Arg<T1> first, Arg<T2> second,
    Arg<T3> third, Arg<T4> fourth) : StepCall<TResult>(step.Definition)
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

    protected override ValueTask<TResult> InvokeAsync(CancellationToken cancellation)
        => step.Body(firstArgument.Value, secondArgument.Value, thirdArgument.Value, fourthArgument.Value, cancellation);

    protected override object? ArgumentsKey() => (firstArgument.Value, secondArgument.Value, thirdArgument.Value, fourthArgument.Value);

    protected override void Forget()
    {
        firstArgument = default;
        secondArgument = default;
        thirdArgument = default;
        fourthArgument = default;
    }
}
