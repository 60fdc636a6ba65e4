namespace Sluice;

/// <summary>A data flow that cannot run as it is written, or values that do not fit it. The message names the functions, the parameters and what there was to choose from.</summary>
public sealed class DataFlowException : SluiceException
{
    internal DataFlowException(string problem) : base(problem) => Problems = [problem];

    internal DataFlowException(IReadOnlyList<string> problems)
        : base(problems.Count == 1 ? problems[0] : $"The data flow has {problems.Count} problems:\n{string.Join('\n', problems.Select(problem => $"- {problem}"))}")
        => Problems = problems;

    /// <summary>The problems found, a sentence or a few for each.</summary>
    public IReadOnlyList<string> Problems { get; }
}
