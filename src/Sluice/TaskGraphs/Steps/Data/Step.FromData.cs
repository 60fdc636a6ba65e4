namespace Sluice;

public static partial class Step
{
    /// <summary>Calls a step for each record, with the results of those records that it depends on, by their ids.</summary>
    /// <param name="records">In any order. All are checked before the first is called.</param>
    /// <param name="step">
    /// What is done for a record: takes its payload and the results of its dependencies. What <see cref="Step"/> has made of a function is named after the record in pictures. Any other delegate is
    /// called as it is, for example a lambda that calls a twin; it waits for the dependencies if it passes their results on.
    /// </param>
    /// <returns>The futures by the ids, in the order of the records.</returns>
    /// <exception cref="InvalidOperationException"><paramref name="step"/> has returned null.</exception>
    /// <exception cref="InvalidTopologyException">Two records have one id, an id is not there, or records wait for each other in a circle: the message names the ids and the path.</exception>
    /// <example><code>
    /// var build = Step.Of((string project, IReadOnlyDictionary&lt;string, string&gt; built, CancellationToken cancellation) => BuildAsync(project, built.Values, cancellation)).Retry(2);
    /// IReadOnlyDictionary&lt;string, Future&lt;string&gt;&gt; all = Step.FromData(records, build);
    /// </code></example>
    public static IReadOnlyDictionary<string, Future<TResult>> FromData<T, TResult>(
        IEnumerable<StepInput<T>> records, Step<T, IReadOnlyDictionary<string, TResult>, TResult> step)
    {
        ArgumentNullException.ThrowIfNull(records);
        ArgumentNullException.ThrowIfNull(step);
        StepInput<T>[] all = [.. records];
        Topology order = RecordOrder.Of(all);
        var futures = new Future<TResult>?[all.Length];
        foreach (TopologyNode node in order.InOrder())
        {
            StepInput<T> record = all[node.Id];
            Future<TResult>[] needed = [.. order.Incoming(node).Select(edge => futures[edge.From.Id]!)];
            Step<T, IReadOnlyDictionary<string, TResult>, TResult> named = FunctionStep.IsOne(step) ? step.Named(record.Id) : step;
            futures[node.Id] = named(record.Payload, new ResultsFuture<TResult>([.. order.Incoming(node).Select(edge => edge.From.Name)], needed))
                ?? throw new InvalidOperationException($"For the record \"{record.Id}\", the delegate that was given as the step has returned null instead of a future. Return what the step returns.");
        }
        var byId = new OrderedDictionary<string, Future<TResult>>(all.Length, StringComparer.Ordinal);
        for (int i = 0; i < all.Length; i++) byId.Add(all[i].Id, futures[i]!);
        return byId;
    }
}
