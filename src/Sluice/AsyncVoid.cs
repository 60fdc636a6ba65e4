using System.Reflection;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Refuses <c>async void</c> functions: nothing can await them, and their failure would end the process.</summary>
/// <remarks>Other packages compile this file, too.</remarks>
internal static class AsyncVoid
{
    private static readonly ConditionalWeakTable<MethodInfo, object> Known = [];

    /// <summary>Returns the function of a stage, which may return a task instead.</summary>
    /// <exception cref="ArgumentException">The function is <c>async void</c>.</exception>
    public static T Refuse<T>(T function) where T : Delegate
    {
        if (!Is(function)) return function;
        string name = function.Method.Name.Contains('<', StringComparison.Ordinal) ? "This function" : function.Method.Name;
        throw new ArgumentException(
            $"{name} is async void: the pipeline cannot wait for it, and a failure in it would end the process. Let it return a Task.",
            nameof(function));
    }

    /// <summary>Returns a function that Sluice calls without a wait for its end, such as a handler of warnings.</summary>
    /// <param name="callback">The function; null for none.</param>
    /// <param name="name">The parameter or the option, for example "RunOptions.OnStarted".</param>
    /// <exception cref="ArgumentException">The function is <c>async void</c>.</exception>
    public static T? RefuseCallback<T>(T? callback, [CallerArgumentExpression(nameof(callback))] string name = "") where T : Delegate
        => callback is null || !Is(callback) ? callback : throw new ArgumentException(
            $"{name} is async void: Sluice calls it and cannot wait for it, and a failure in it would end the process. Let it be "
                + "synchronous: it can write to a channel that your own task reads.", name);

    private static bool Is(Delegate function) => (bool)Known.GetValue(function.Method, static method
        => method.ReturnType == typeof(void) && method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false));
}
