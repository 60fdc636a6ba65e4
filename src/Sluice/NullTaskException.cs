namespace Sluice;

/// <summary>The failure of a function that has returned null instead of a task. The exception around it names the node.</summary>
internal sealed class NullTaskException(string function = "It")
    : InvalidOperationException($"{function} returned null instead of a task.")
{
    /// <summary>Returns the task of a function.</summary>
    /// <exception cref="NullTaskException">The function has returned null.</exception>
    public static TTask Check<TTask>(TTask? task) where TTask : Task => task ?? throw new NullTaskException();
}
