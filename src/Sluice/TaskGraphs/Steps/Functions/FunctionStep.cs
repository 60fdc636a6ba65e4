namespace Sluice;

/// <summary>What <see cref="Step"/> has made of a function: the target of the delegate that the user calls. Immutable.</summary>
internal abstract class FunctionStep(StepDefinition definition, After? after)
{
    public StepDefinition Definition => definition;

    /// <summary>What every call waits for.</summary>
    public After? After => after;

    /// <summary>The delegate to call.</summary>
    public abstract Delegate ToDelegate();

    /// <summary>The same function with other options.</summary>
    public abstract FunctionStep With(StepDefinition definition, After? after);

    public static TStep Make<TStep>(FunctionStep step) where TStep : Delegate => (TStep)step.ToDelegate();

    /// <summary>Whether it was made by <see cref="Step"/>, and therefore has options.</summary>
    public static bool IsOne(Delegate step) => step is { HasSingleTarget: true, Target: FunctionStep };

    public static TStep Change<TStep>(TStep step, Func<FunctionStep, FunctionStep> change) where TStep : Delegate
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step is not { HasSingleTarget: true, Target: FunctionStep known })
            throw new ArgumentException("Only what Step.Of has made has options. A method marked with [Step] has its options in the attribute.", nameof(step));
        return Make<TStep>(change(known));
    }

    public static StepDefinition Define(Delegate function, bool takesToken)
    {
        ArgumentNullException.ThrowIfNull(function);
        return new(TopologyBuilder.NameOf(function) ?? "step", takesToken);
    }

    /// <summary>A step without a result has ended when its task has.</summary>
    public static ValueTask<Nothing> End(Task task)
    {
        return task.IsCompletedSuccessfully ? default : WaitAsync(task);

        static async ValueTask<Nothing> WaitAsync(Task task)
        {
            await task;                              // in the context of the step's scheduler, if it has one
            return default;
        }
    }

    /// <inheritdoc cref="End(Task)"/>
    public static ValueTask<Nothing> End(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully) return End(task.AsTask());
        task.GetAwaiter().GetResult();
        return default;
    }
}
