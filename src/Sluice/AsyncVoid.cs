using System.Reflection;

namespace Sluice.Pipelines;

/// <summary>Refuses <c>async void</c> functions: a pipeline cannot await them, and their failure would end the process.</summary>
internal static class AsyncVoid
{
    private static readonly ConditionalWeakTable<MethodInfo, string> Texts = [];

    /// <exception cref="ArgumentException">The function is <c>async void</c>.</exception>
    public static T Refuse<T>(T function) where T : Delegate
    {
        string text = Texts.GetValue(function.Method, Explain);
        return text.Length == 0 ? function : throw new ArgumentException(text, nameof(function));
    }

    private static string Explain(MethodInfo method)
    {
        if (method.ReturnType != typeof(void) || !method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false)) return "";
        string name = method.Name.Contains('<', StringComparison.Ordinal) ? "This function" : method.Name;
        return $"{name} is async void: the pipeline cannot wait for it, and a failure in it would end the process. Let it return a Task.";
    }
}
