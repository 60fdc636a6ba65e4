namespace Sluice;

/// <summary>A function was to return a task, and has returned null. Whoever reports the failure names the function.</summary>
internal sealed class NullTaskException(string function = "It")
    : InvalidOperationException($"{function} returned null instead of a task.")
{
    /// <summary>Returns the task of a function.</summary>
    /// <exception cref="NullTaskException">The function has returned null.</exception>
    public static TTask Check<TTask>(TTask? task) where TTask : Task => task ?? throw new NullTaskException();
}
