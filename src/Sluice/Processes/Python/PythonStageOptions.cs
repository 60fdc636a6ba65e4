namespace Sluice;

/// <summary>Options of a stage whose function is in Python (<see cref="Python"/>). Immutable.</summary>
public sealed record PythonStageOptions
{
    /// <summary>The interpreter, and what it finds.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public PythonOptions Python { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>
    /// Serializers, limits and timeouts. <see cref="ProcessOptions.Program"/>, <see cref="ProcessOptions.Arguments"/> and
    /// <see cref="ProcessOptions.Workers"/> are not for Python: <see cref="Stage.Parallel"/> says how many processes there are.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public ProcessOptions Process { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();
}
