using System.Reflection;

namespace Sluice.Flows;

/// <summary>A function that provides a parameter of another function (<see cref="DependsAttribute"/>).</summary>
/// <param name="method">The function.</param>
/// <param name="target">The object of the method; null if it is static.</param>
/// <param name="arguments">The makers of its arguments.</param>
/// <remarks>Immutable; the <see cref="DependencyScope"/> owns the values.</remarks>
[RequiresUnreferencedCode("Reads the result's type by reflection.")]
[RequiresDynamicCode("Reads the result's type by reflection.")]
internal sealed class Dependency(MethodInfo method, object? target, FunctionArgument[] arguments)
{
    private readonly PropertyInfo? result = ResultOf(method.ReturnType)?.GetProperty(nameof(Task<>.Result));
    private readonly MethodInfo? asTask = method.ReturnType is { IsGenericType: true } type
        && type.GetGenericTypeDefinition() == typeof(ValueTask<>) ? type.GetMethod(nameof(ValueTask<>.AsTask)) : null;

    /// <summary>The type of the value that a function of this return type provides; null if it provides none.</summary>
    public static Type? ValueOf(Type returned)
    {
        if (returned == typeof(void) || returned == typeof(Task) || returned == typeof(ValueTask)) return null;
        Type? generic = returned.IsGenericType ? returned.GetGenericTypeDefinition() : null;
        return generic == typeof(Task<>) || generic == typeof(ValueTask<>) ? returned.GetGenericArguments()[0] : returned;
    }

    /// <summary>Gets the value for an invocation; calls the function only the first time.</summary>
    public async ValueTask<object?> GetAsync(DependencyScope scope)
    {
        if (scope.TryFind(this, out object? known)) return known;
        object? returned = method.Invoke(target, BindingFlags.DoNotWrapExceptions, binder: null,
            await scope.GetAllAsync(arguments).ConfigureAwait(false), culture: null);
        if (asTask is not null) returned = asTask.Invoke(returned, null);
        if (result is not null)
        {
            var task = (Task?)returned ?? throw new FlowException(
                $"The function {method.Name}, which provides a parameter, has returned null instead of a task.");
            await task.ConfigureAwait(false);
            returned = result.GetValue(task);
        }
        scope.Add(this, returned);
        return returned;
    }

    private static Type? ResultOf(Type returned)
        => !returned.IsGenericType ? null
            : returned.GetGenericTypeDefinition() == typeof(Task<>) ? returned
            : returned.GetGenericTypeDefinition() == typeof(ValueTask<>) ? typeof(Task<>).MakeGenericType(returned.GetGenericArguments())
            : null;
}
