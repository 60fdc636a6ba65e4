using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>Options of an executor whose functions are in Python (<see cref="Executor.Python"/>). Immutable.</summary>
public sealed record PythonExecutorOptions
{
    /// <summary>
    /// The number of child processes, 1 to 256; default 1. A child executes any number of functions at a time, but Python code of one
    /// process uses one core.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is out of range.</exception>
    public int MaxProcesses
    {
        get;
        init => field = value is >= 1 and <= 256 ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxProcesses), value, "From 1 to 256.");
    } = 1;

    /// <summary>The interpreter, and what it finds.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public PythonOptions Python { get; init => field = OptionValue.NotNull(value, nameof(PythonExecutorOptions)); } = new();

    /// <summary>
    /// Limits and timeouts. <see cref="ProcessExecutorOptions.Program"/> and <see cref="ProcessExecutorOptions.Arguments"/> are not for
    /// Python.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public ProcessExecutorOptions Process { get; init => field = OptionValue.NotNull(value, nameof(PythonExecutorOptions)); } = new();
}
