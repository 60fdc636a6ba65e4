namespace Sluice.Graphs;

/// <summary>
/// Thrown if a data flow cannot run as defined, or if values do not fit it. The message names functions, parameters and the available
/// values.
/// </summary>
public sealed class DataFlowException : SluiceException
{
    internal DataFlowException(string problem) : base(problem) => Problems = [problem];

    internal DataFlowException(IReadOnlyList<string> problems)
        : base(problems.Count == 1 ? problems[0]
        : $"The data flow has {problems.Count} problems:\n{string.Join('\n', problems.Select(problem => $"- {problem}"))}")
        => Problems = problems;

    /// <summary>
    /// The code of the flow in whose run the flow itself has thrown it; null if it was thrown before a run, or has left its run.
    /// </summary>
    internal object? Owner { get; set; }

    /// <summary>The problems found, each one or a few sentences.</summary>
    public IReadOnlyList<string> Problems { get; }
}
