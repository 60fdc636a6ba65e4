using Sluice.Topologies;

namespace Sluice.Graphs;

public static partial class Step
{
    /// <summary>Calls a step for each record, with the results of the records that it depends on, by id.</summary>
    /// <param name="records">The records, in any order. All are checked before the first call.</param>
    /// <param name="step">
    /// Takes the payload of a record and the results of its dependencies. A step made by <see cref="Step"/> is named after the record in
    /// drawings. Any other delegate, such as a lambda that calls a twin, is called as it is; it waits for the dependencies if it passes
    /// their results on.
    /// </param>
    /// <returns>The futures by id, in the order of the records.</returns>
    /// <exception cref="InvalidOperationException"><paramref name="step"/> has returned null.</exception>
    /// <exception cref="InvalidTopologyException">Duplicate ids, unknown ids, or a circle of records; the message names the ids and the
    /// path.</exception>
    /// <example><code>
    /// var build = Step.Of((string project, IReadOnlyDictionary&lt;string, string&gt; built, CancellationToken cancellation)
    ///     => BuildAsync(project, built.Values, cancellation)).Retry(2);
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
            futures[node.Id] = named(record.Payload, new ResultsFuture<TResult>([.. order.Incoming(node).Select(edge => edge.From.Name)],
                needed))
                ?? throw new InvalidOperationException(
                $"For the record \"{record.Id}\", the delegate that was given as the step has returned null instead of a future. Return "
                    + $"what the step returns.");
        }
        var byId = new OrderedDictionary<string, Future<TResult>>(all.Length, StringComparer.Ordinal);
        for (int i = 0; i < all.Length; i++) byId.Add(all[i].Id, futures[i]!);
        return byId;
    }
}
