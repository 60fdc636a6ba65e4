namespace Sluice.Flows;

/// <summary>
/// Compares a processor as the flow declares it with the one that a service, or a worker of an executor, has registered. The flow's
/// declaration counts; harmless differences are no error.
/// </summary>
internal static class Declarations
{
    /// <param name="plan">The processor in the flow.</param>
    /// <param name="function">The function of the service or the worker.</param>
    /// <param name="place">Where the function is: "service" or "worker".</param>
    /// <exception cref="FlowException">
    /// The function uses a stream that the flow's processor does not have, or the service or worker does not know one of its inputs: it
    /// runs another version of the program. A function need not take an input that the service has declared.
    /// </exception>
    public static void Check(ProcessorPlan plan, BoundFunction function, string place = "service")
    {
        if (plan.Inputs.FirstOrDefault(name => !function.Processor.Inputs.Contains(name)) is { } unknown)
            throw new FlowException(
                $"The processor {plan.Name} has the input {unknown} in the flow, and not in this {place}, which would ignore its values.");
        foreach (string name in function.Types.Keys.Order(StringComparer.Ordinal))
            if (!plan.Inputs.Contains(name) && !plan.Outputs.Contains(name))
                throw new FlowException(
                    $"The function of the processor {plan.Name} in this {place} "
                        + $"{(function.Processor.Inputs.Contains(name) ? "reads" : "writes")} the stream {name}, which the "
                        + $"processor does not have in the flow.");
    }

    /// <summary>Describes both declarations and their differences; null if nothing relevant differs.</summary>
    public static string? Compare(ProcessorPlan plan, Processor registered, string service)
    {
        Processor declared = plan.ToProcessor();
        string[] differences =
        [
            .. Streams("input", declared.Inputs, registered.Inputs), .. Streams("output", declared.Outputs, registered.Outputs),
            .. declared.Wait == registered.Wait ? (string[])[]
                : [$"{(declared.Wait ? "the flow's" : "the service's")} waits for its inputs to be complete (Wait)"],
            .. declared.Retry == registered.Retry && declared.Timeout == registered.Timeout ? (string[])[]
                : ["they are tried again, or timed out, otherwise"],
            .. declared.Resume == registered.Resume ? (string[])[]
                : [$"the flow's resumes {declared.Resume}, the service's {registered.Resume}"],
        ];
        return differences.Length == 0 ? null
            : $"The flow declares \"{declared}\", the service {service} has registered "
            + $"\"{registered}\": {string.Join("; ", differences)}. Use one declaration for both.";
    }

    private static IEnumerable<string> Streams(string kind, IReadOnlyList<string> declared, IReadOnlyList<string> registered)
    {
        if (Only(declared, registered) is { } missing) yield return $"only the flow's has {missing}";
        if (Only(registered, declared) is { } more) yield return $"only the service's has {more}";

        string? Only(IReadOnlyList<string> those, IReadOnlyList<string> others)
            => those.Except(others, StringComparer.Ordinal).ToArray() is { Length: > 0 } names
            ? $"the {kind}{(names.Length > 1 ? "s" : "")} {string.Join(", ", names)}" : null;
    }
}
