using Sluice.Topologies;

namespace Sluice.Graphs;

/// <summary>A step that <see cref="Step"/> has made from a function: the target of the delegate that users call. Immutable.</summary>
internal abstract class FunctionStep(StepDefinition definition, After? after)
{
    public StepDefinition Definition => definition;

    /// <summary>The futures that every call waits for; null for none.</summary>
    public After? After => after;

    /// <summary>The delegate that users call.</summary>
    /// <param name="showsUnit">Whether the result <see cref="Unit"/> counts as one.</param>
    public abstract Delegate ToDelegate(bool showsUnit);

    /// <summary>Returns the same function with other options.</summary>
    public abstract FunctionStep With(StepDefinition definition, After? after);

    public static TStep Make<TStep>(FunctionStep step) where TStep : Delegate
        => step.ToDelegate(showsUnit: false) as TStep ?? (TStep)step.ToDelegate(showsUnit: true);

    /// <summary>Whether <see cref="Step"/> has made the delegate; only then it has options.</summary>
    public static bool IsOne(Delegate step) => step is { HasSingleTarget: true, Target: FunctionStep };

    public static TStep Change<TStep>(TStep step, Func<FunctionStep, FunctionStep> change) where TStep : Delegate
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step is not { HasSingleTarget: true, Target: FunctionStep known })
            throw new ArgumentException(
                "Only what Step.Of has made has options. A method marked with [Step] has its options in the attribute.", nameof(step));
        return Make<TStep>(change(known));
    }

    public static StepDefinition Define(Delegate function, bool takesToken)
    {
        ArgumentNullException.ThrowIfNull(function);
        if (Problem(function) is { } problem) throw new ArgumentException(problem, nameof(function));
        return new(TopologyBuilder.NameOf(function) ?? "step", takesToken);
    }

    /// <summary>Finds a function whose work no caller could await.</summary>
    private static string? Problem(Delegate function)
    {
        string? name = TopologyBuilder.NameOf(function);
        Type returned = function.Method.ReturnType;
        if (returned == typeof(void) && function.Method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false))
            return $"{name ?? "The function"} is async void: it cannot be awaited, and its failure would be lost. Let it return a Task.";
        Type? declared = function.GetType().GenericTypeArguments is [.., var last] && returned != typeof(void) ? TaskValues.ResultOf(last)
            : null;
        if (declared is null || !(PendingWork.Is(declared) || (declared == typeof(object) && PendingWork.Is(returned)))) return null;
        string work = TypeNames.Of(PendingWork.Is(declared) ? declared : returned);
        return $"The result of {name ?? "the function"} would be a {work}: the step would end without waiting for it, and its "
            + $"failure would be lost. Let the function await it: async … => await ….";
    }

    /// <summary>Ends a step without a result when its task has ended.</summary>
    /// <exception cref="NullTaskException">The function has returned null.</exception>
    public static ValueTask<Unit> End(Task? task)
    {
        return (task ?? throw new NullTaskException()).IsCompletedSuccessfully ? default : WaitAsync(task);

        static async ValueTask<Unit> WaitAsync(Task task)
        {
            await task;                              // continues on the step's scheduler
            return default;
        }
    }

    /// <inheritdoc cref="End(Task)"/>
    public static ValueTask<Unit> End(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully) return End(task.AsTask());
        task.GetAwaiter().GetResult();
        return default;
    }
}
