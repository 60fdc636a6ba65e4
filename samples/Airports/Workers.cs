using System.Text.Json.Serialization;
using Sluice;
using Sluice.Storage;
using static Airports.Stages;

namespace Airports;

/// <summary>The mode process: the stages between the airports and the outputs, in copies of this program.</summary>
internal static partial class Workers
{
    private const string BodyName = "distances";

    private static readonly PayloadSerializers Serializers = PayloadSerializers.JsonOf(WorkerJson.Default);

    /// <summary>Where slices go to worker processes, which are given the same command line.</summary>
    public static Pipe<Slice, PairDistance> Start(int workers, string[] arguments)
        => Pipe.InProcesses<Slice, PairDistance>(BodyName,
        new ProcessOptions { Workers = workers, Arguments = arguments, Serializers = Serializers });

    /// <summary>What a worker process does with a slice.</summary>
    /// <param name="name">The body that it is asked for.</param>
    /// <param name="arguments">The command line.</param>
    public static WorkerBody? Body(string name, string[] arguments)
    {
        if (name != BodyName) return null;
        var options = Options.Parse(arguments)!;
        var gazetteer = GazetteerFile.Read(options.Airports, new SkippedRows());
        var airports = options.Selection.From(gazetteer, options.Airports);
        return WorkerBody.Of(Pipe.Of<Slice>() | (slice => OriginOf(airports, slice)) | Stage.Named("origin") | AllPairs | gazetteer.Geocode
            | Distance, Serializers);
    }

    [JsonSerializable(typeof(Slice))]
    [JsonSerializable(typeof(PairDistance))]
    private sealed partial class WorkerJson : JsonSerializerContext;
}
