using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice;

/// <summary>Binds the parameters of a method to the streams of a processor, services, and what else it may ask for.</summary>
[RequiresUnreferencedCode("Reads the function's parameters by reflection; register a ProcessorFunction where the program is trimmed.")]
[RequiresDynamicCode("Makes the streams' types at run time; register a ProcessorFunction where the program is compiled ahead of time.")]
internal static class FunctionBinder
{
    private delegate object? Argument(ProcessorContext context, IInvocation invocation, CancellationToken cancellation);

    /// <exception cref="ArgumentException">A parameter is nothing that can be bound, or the result is nothing that can be put out; names it.</exception>
    public static BoundFunction Bind(Processor processor, Delegate function, ProcessorServices services)
    {
        MethodInfo method = function.Method;
        Dictionary<string, Type> types = [];
        HashSet<string> reads = [];
        Argument[] arguments = [.. method.GetParameters().Select(parameter => Bind(processor, parameter, services, types, reads))];
        var putOut = ResultBinder.Of(processor, method.ReturnType, types);
        // Who has the context can read any input.
        bool readsAny = method.GetParameters().Any(parameter => parameter.ParameterType == typeof(ProcessorContext));
        return new(processor, RunAsync) { Types = types, Reads = readsAny ? null : reads };

        Task RunAsync(ProcessorContext context, IInvocation invocation, CancellationToken cancellation)
        {
            object?[] values = [.. arguments.Select(argument => argument(context, invocation, cancellation))];
            return putOut(method.Invoke(function.Target, BindingFlags.DoNotWrapExceptions, binder: null, values, culture: null), invocation, cancellation);
        }
    }

    private static Argument Bind(Processor processor, ParameterInfo parameter, ProcessorServices services, Dictionary<string, Type> types, HashSet<string> reads)
    {
        Type type = parameter.ParameterType;
        string name = parameter.Name ?? $"#{parameter.Position + 1}";
        if (type.IsByRef) throw Wrong("is passed by reference; pass it by value");
        if (type == typeof(CancellationToken)) return (_, _, cancellation) => cancellation;
        if (type == typeof(ProcessorContext)) return (context, _, _) => context;
        if (type == typeof(TimeProvider)) return (_, invocation, _) => invocation.Time;

        Type? generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (generic == typeof(IO<>))
        {
            if (!processor.Inputs.Contains(name)) throw Wrong($"is an {TypeNames.Of(type)}, but the processor has no input of this name (inputs: {List(processor.Inputs)}). Name it like one of them");
            types[name] = type.GetGenericArguments()[0];
            reads.Add(name);
            return (_, invocation, _) => Make(type, invocation.Input(name), invocation.Serializers.Of(name));
        }
        if (generic == typeof(IOWriter<>))
        {
            if (!processor.Outputs.Contains(name)) throw Wrong($"is an {TypeNames.Of(type)}, but the processor has no output of this name (outputs: {List(processor.Outputs)}). Name it like one of them");
            types[name] = type.GetGenericArguments()[0];
            return (_, invocation, _) => Make(type, invocation.Output(name), invocation.Serializers.Of(name));
        }
        if (generic == typeof(Checkpoint<>))
        {
            if (processor.Resume != Resume.Checkpoint) throw Wrong($"is a {TypeNames.Of(type)}, but the processor resumes {processor.Resume}. Make it Resume = Resume.Checkpoint");
            return (_, invocation, _) => Make(type, invocation.State, invocation.Serializers.OfState(invocation.Plan.Name), (Func<byte[], CancellationToken, Task>)invocation.SaveAsync);
        }
        bool isService = services.Has(type);
        if (!isService && !parameter.HasDefaultValue)
            throw Wrong($"is a {TypeNames.Of(type)}: neither an input (IO<T>), an output (IOWriter<T>), a CancellationToken, a TimeProvider nor a service that is registered, and it has no default. Register the service, or give the parameter a default");
        object? fallback = parameter.HasDefaultValue ? DefaultOf(parameter) : null;
        return (context, _, _) => (isService ? context.Services.GetService(type) : null) ?? fallback
            ?? (parameter.HasDefaultValue ? null : throw new FlowException($"The service {TypeNames.Of(type)}, which the processor {processor.Name} needs for its parameter {name}, is not there any more."));

        ArgumentException Wrong(string why) => new($"The function of the processor {processor.Name} cannot be bound: its parameter {name} {why}.");
    }

    // In metadata a default struct is null, an enum is its number, and one that may be null is what it would be if it may not.
    private static object? DefaultOf(ParameterInfo parameter)
    {
        Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (parameter.DefaultValue is { } value) return type.IsEnum ? Enum.ToObject(type, value) : value;
        return type.IsValueType && type == parameter.ParameterType ? System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type) : null;
    }

    private static object? Make(Type type, params object?[] arguments)
        => Activator.CreateInstance(type, BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions, binder: null, arguments, culture: null);

    private static string List(IReadOnlyList<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}
