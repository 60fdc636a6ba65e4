using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Members in stored state that the code does not have any more are told, because the next write loses them.</summary>
public class UnknownMemberTests
{
    private readonly List<string> warnings = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, InlineData(true), InlineData(false)]
    public async Task ARenamedMemberOfAClassIsToldOnceForItsNode(bool hasKeys)
    {
        await using var store = new MemoryStreamStore();
        await LiveAsync(store, "Sum", hasKeys, 1, 2, 3);
        await LiveAsync(store, "Sum", hasKeys, 1, 2);
        Assert.Empty(warnings);
        await LiveAsync(store, "Total", hasKeys, 1, 2);
        Assert.Contains("has more than the type Totals: There is no member 'Sum' here: expected 'Count', 'Total'. Path: $.Sum",
            Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Contains("put [JsonPropertyName] with the old name on it", warnings[0], StringComparison.Ordinal);
        warnings.Clear();
        await LiveAsync(store, "Total", hasKeys, 1, 2);          // they were written anew
        Assert.Empty(warnings);
    }

    private async Task LiveAsync(IStreamStore store, string sum, bool hasKeys, params int[] items)
    {
        var names = new DefaultJsonTypeInfoResolver();
        names.Modifiers.Add(type =>
        {
            foreach (JsonPropertyInfo property in type.Properties) if (property.Name == "Sum") property.Name = sum;
        });
        await using var consecutor = new Consecutor<int>("work",
            source => (hasKeys ? source | Sluice.StageNode.Of(() => new Totalling()) : source.Scan(new Totals(), Add))
            | Stage.Named("totals") | (_ => { }),
            new()
            {
                Store = store,
                Process = new(),
                Serializers = PayloadSerializers.JsonOf(new JsonSerializerOptions { TypeInfoResolver = names }),
                OnWarning = warnings.Add,
            })
        { Key = hasKeys ? static n => $"{n}" : null };
        await consecutor.StartAsync(Cancellation);
        foreach (int item in items) await consecutor.SendAsync(item, cancellation: Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.StopAsync(cancellation: Cancellation);
    }

    private static Totals Add(Totals totals, int item) => new() { Count = totals.Count + 1, Sum = totals.Sum + item };

    private sealed class Totals
    {
        public int Count { get; set; }

        public int Sum { get; set; }
    }

    private sealed class Totalling : StatefulStageNode<int, Totals, Totals>
    {
        protected override Totals InitialState(string key) => new();

        protected override ValueTask ProcessAsync(int item, Output<Totals> output, CancellationToken cancellation)
            => output.PushAsync(State = Add(State, item));
    }
}
