using System.Reflection;

namespace Sluice.Flows;

/// <summary>Binds the parameters of a method to streams of a processor, services, dependencies and the other supported types.</summary>
/// <remarks>Binds one function. Not thread-safe.</remarks>
[RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
[RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
internal sealed class FunctionBinder
{
    private readonly Processor processor;
    private readonly ProcessorServices services;
    private readonly PayloadSerializers serializers;
    private readonly Dictionary<string, Type> types = [];
    private readonly HashSet<string> reads = [];
    private readonly Dictionary<(MethodInfo Method, object? Target), Dependency> dependencies = [];
    private readonly List<MethodInfo> binding = [];          // the chain of dependencies being bound
    private bool readsAny;

    private FunctionBinder(Processor processor, SupervisorOptions options)
        => (this.processor, services, serializers) = (processor, options.Services ?? ProcessorServices.None, options.Serializers);

    /// <exception cref="ArgumentException">A parameter or the result cannot be bound, or has values that cannot be stored; the message
    /// names it.</exception>
    public static BoundFunction Bind(Processor processor, Delegate function, SupervisorOptions options)
    {
        var binder = new FunctionBinder(processor, options);
        MethodInfo method = function.Method;
        if (method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false))
            throw new ArgumentException(
                $"The function of the processor {processor.Name} is async void: it cannot be awaited, and its failure would end the "
                    + "process. Let it return a Task.");
        FunctionArgument[] arguments = binder.BindAll(method, function.Target);
        var putOut = ResultBinder.Of(processor, method.ReturnType, binder.types);
        if (method.ReturnType.IsGenericType && processor.Outputs is [var single]
            && binder.types.TryGetValue(single, out Type? result) && binder.serializers.Lacks(result) is { } why)
            throw new ArgumentException(
                $"The function of the processor {processor.Name} returns {TypeNames.Of(method.ReturnType)}, whose value cannot be "
                    + $"stored. {why}");
        return new(processor, RunAsync) { Types = binder.types, Reads = binder.readsAny ? null : binder.reads };

        Task RunAsync(ProcessorContext context, IInvocation invocation, CancellationToken cancellation)
            => new DependencyScope(context, invocation, cancellation).RunAsync(async scope =>
            {
                object?[] values = await scope.GetAllAsync(arguments).ConfigureAwait(false);
                await putOut(method.Invoke(function.Target, BindingFlags.DoNotWrapExceptions, binder: null, values, culture: null),
                    invocation, cancellation).ConfigureAwait(false);
            });
    }

    private FunctionArgument[] BindAll(MethodInfo method, object? target)
        => [.. method.GetParameters().Select(parameter => Bind(parameter, method, target))];

    private FunctionArgument Bind(ParameterInfo parameter, MethodInfo method, object? target)
    {
        Type type = parameter.ParameterType;
        string name = parameter.Name ?? $"#{parameter.Position + 1}";
        if (type.IsByRef) throw Wrong("is passed by reference; pass it by value");
        if (parameter.GetCustomAttribute<DependsAttribute>() is { } depends) return Depend(depends);
        if (type == typeof(CancellationToken)) return static scope => new(scope.Cancellation);
        if (type == typeof(TimeProvider)) return static scope => new(scope.Invocation.Time);
        if (type == typeof(ProcessorContext))
        {
            readsAny = true;                         // the context can open any input
            return static scope => new(scope.Context);
        }
        Type? generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (generic == typeof(IO<>))
        {
            if (!processor.Inputs.Contains(name)) throw Wrong(
                $"is an {TypeNames.Of(type)}, but the processor has no input of this name (inputs: {List(processor.Inputs)}). Name it "
                    + $"like one of them");
            Note(type.GetGenericArguments()[0]);
            reads.Add(name);
            return scope => new(Make(type, scope.Invocation.Input(name), scope.Invocation.Serializers.Of(name)));
        }
        if (generic == typeof(IOWriter<>))
        {
            if (!processor.Outputs.Contains(name)) throw Wrong(
                $"is an {TypeNames.Of(type)}, but the processor has no output of this name (outputs: {List(processor.Outputs)}). Name it "
                    + $"like one of them");
            Note(type.GetGenericArguments()[0]);
            return scope => new(Make(type, scope.Invocation.Output(name), scope.Invocation.Serializers.Of(name)));
        }
        if (generic == typeof(Checkpoint<>))
        {
            if (processor.Resume != ResumeMode.Checkpoint)
                throw Wrong(
                    $"is a {TypeNames.Of(type)}, but the processor resumes {processor.Resume}. Make it Resume = ResumeMode.Checkpoint");
            CheckStored(type.GetGenericArguments()[0]);
            // The run may have been started by an older version, with another mode: the state would fall behind the positions.
            return scope => scope.Invocation.Plan.Resume == ResumeMode.Checkpoint
                ? new(Make(type, scope.Invocation.State, scope.Invocation.Serializers.OfState(scope.Invocation.Plan.Name),
                    (Func<byte[], CancellationToken, Task>)scope.Invocation.SaveAsync, scope.Context.Whose))
                : throw new InvalidOperationException(
                    $"The processor {scope.Invocation.Plan.Name} resumes {scope.Invocation.Plan.Resume}, and remembers nothing. Make it "
                        + "Resume = ResumeMode.Checkpoint.");
        }
        return Serve();

        FunctionArgument Serve()
        {
            bool isService = services.Has(type);
            if (!isService && !parameter.HasDefaultValue)
                throw Wrong(
                    $"is a {TypeNames.Of(type)}: neither an input (IO<T>), an output (IOWriter<T>), a CancellationToken, a TimeProvider "
                        + $"nor a service that is registered, and it has no default. Register the service, give the parameter a default, "
                        + $"or let a function provide it ([Depends(nameof(…))])");
            object? fallback = parameter.HasDefaultValue ? ParameterDefault.Of(parameter) : null;
            return scope => new((isService ? scope.Context.Services.GetService(type) : null) ?? fallback
                ?? (parameter.HasDefaultValue ? null : throw new FlowException(
                $"The service {TypeNames.Of(type)}, which the processor {processor.Name} needs for its parameter {name}, is not there any "
                    + $"more.")));
        }

        FunctionArgument Depend(DependsAttribute depends)
        {
            var (found, owner, problem) = DependencyFinder.Find(depends, method, target);
            if (found is null) throw Wrong(problem);
            if (Dependency.ValueOf(found.ReturnType) is not { } value || !type.IsAssignableFrom(value))
                throw Wrong(
                    $"is a {TypeNames.Of(type)}, and {depends.Method}, on which it depends, returns {TypeNames.Of(found.ReturnType)}");
            if (binding.Contains(found))
                throw Wrong(
                    $"depends on itself: {string.Join(" -> ", binding.SkipWhile(one => one != found).Append(found).Select(static one => Plain(one.Name)))}");
            if (dependencies.TryGetValue((found, owner), out Dependency? known)) return known.GetAsync;
            binding.Add(found);
            var made = new Dependency(found, owner, BindAll(found, owner));
            binding.Remove(found);
            dependencies.Add((found, owner), made);
            return made.GetAsync;
        }

        void CheckStored(Type values)
        {
            if (serializers.Lacks(values) is { } why)
                throw Wrong(
                    $"is {(generic == typeof(Checkpoint<>) ? "a" : "an")} {TypeNames.Of(type)}, and its values cannot be "
                        + $"stored. {why.TrimEnd('.')}");
        }

        void Note(Type values)
        {
            CheckStored(values);
            if (!types.TryAdd(name, values) && types[name] != values)
                throw Wrong(
                    $"has values of the type {TypeNames.Of(values)}, and another parameter reads or writes {name} "
                        + $"as {TypeNames.Of(types[name])}. Change one of them");
        }

        ArgumentException Wrong(string why) => binding.Count == 0
            ? new($"The function of the processor {processor.Name} cannot be bound: its parameter {name} {why}.")
            : new($"The function of the processor {processor.Name} cannot be bound: the parameter {name} of {Plain(method.Name)}, which "
            + $"provides one of its parameters, {why}.");
    }

    // The compiler names a local function F in M: <M>g__F|0_0.
    private static string Plain(string name) => name.IndexOf(">g__", StringComparison.Ordinal) is var at && at < 0 ? name
        : name[(at + 4)..].Split('|')[0];

    private static object? Make(Type type, params object?[] arguments)
        => Activator.CreateInstance(type, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions, binder: null,
        arguments, culture: null);

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}
